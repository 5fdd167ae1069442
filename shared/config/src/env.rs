//! The environment, read once.

use std::collections::BTreeMap;
use std::fmt;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::str::FromStr;

use secrecy::SecretString;

use crate::{SecretRef, dotenv};

/// A setting that stops the start: which one, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {why}")]
pub struct ConfigError {
    name: String,
    why: String,
}

impl ConfigError {
    /// Says what is wrong with the setting `name`.
    pub fn new(name: impl Into<String>, why: impl Into<String>) -> Self {
        Self { name: name.into(), why: why.into() }
    }
}

/// The settings of this process. An empty value counts as none.
#[derive(Clone)]
pub struct Env(BTreeMap<String, String>);

impl Env {
    /// Reads the process's environment and, in the local stage, the file `.env` beside it.
    #[expect(clippy::disallowed_methods, reason = "this is the one reader of the environment")]
    pub fn load() -> Result<Self, ConfigError> {
        let mut values = BTreeMap::new();
        let stage = std::env::var("STAGE").ok();
        if stage.as_deref().is_none_or(|stage| stage == "local") {
            match std::fs::read_to_string(".env") {
                Ok(text) => values.extend(dotenv::parse(&text)?),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(ConfigError::new(".env", error.to_string())),
            }
        }
        for (name, value) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            // The value stays unsaid: it may be a secret.
            let value = value.into_string().map_err(|_| ConfigError::new(&name, "is not UTF-8"))?;
            values.insert(name, value);
        }
        Ok(Self(values))
    }

    /// Exactly these settings, for tests and for whoever starts others.
    pub fn of<N: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }

    /// The same settings with one more, or with another value for one.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// All settings, to hand to another process.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// A setting that must be there. `what` tells a person what belongs in it.
    pub fn required<T: FromStr>(&self, name: &str, what: &str) -> Result<T, ConfigError>
    where
        T::Err: fmt::Display,
    {
        self.optional(name)?.ok_or_else(|| ConfigError::new(name, format!("is missing: {what}")))
    }

    /// A setting that may be left out.
    pub fn optional<T: FromStr>(&self, name: &str) -> Result<Option<T>, ConfigError>
    where
        T::Err: fmt::Display,
    {
        self.text(name)
            .map(|text| text.parse().map_err(|e: T::Err| ConfigError::new(name, e.to_string())))
            .transpose()
    }

    /// A setting with a default.
    pub fn or<T: FromStr>(&self, name: &str, default: T) -> Result<T, ConfigError>
    where
        T::Err: fmt::Display,
    {
        Ok(self.optional(name)?.unwrap_or(default))
    }

    /// A list of words, separated by commas; empty if left out.
    pub fn list(&self, name: &str) -> Vec<String> {
        let text = self.text(name).unwrap_or_default();
        text.split(',').map(str::trim).filter(|w| !w.is_empty()).map(str::to_owned).collect()
    }

    /// The contents of the file that a setting names, if it names one.
    #[expect(
        clippy::disallowed_methods,
        reason = "settings are read at the start, before requests"
    )]
    pub fn file(&self, name: &str) -> Result<Option<Vec<u8>>, ConfigError> {
        self.text(name)
            .map(|path| {
                std::fs::read(path)
                    .map_err(|error| ConfigError::new(name, format!("cannot be read: {error}")))
            })
            .transpose()
    }

    /// Where a secret comes from: `NAME`, `NAME_FILE` or `NAME_ARN`.
    pub fn secret(&self, name: &str, what: &str) -> Result<SecretRef, ConfigError> {
        let (file, arn) = (format!("{name}_FILE"), format!("{name}_ARN"));
        match (self.text(name), self.text(&file), self.text(&arn)) {
            (Some(value), None, None) => Ok(SecretRef::Value(SecretString::from(value))),
            (None, Some(path), None) => Ok(SecretRef::File(PathBuf::from(path))),
            (None, None, Some(arn)) => Ok(SecretRef::Arn(arn.to_owned())),
            (None, None, None) => Err(ConfigError::new(
                name,
                format!("is missing: {what}; give it as {name}, {file} or {arn}"),
            )),
            _ => Err(ConfigError::new(
                name,
                format!("is given more than once; choose one of {name}, {file} and {arn}"),
            )),
        }
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stage;

    #[test]
    fn an_error_is_one_line_that_names_the_setting() {
        let env = Env::of([("STAGE", "moon"), ("EMPTY", "")]);
        let wrong = env.required::<Stage>("STAGE", "where this runs").unwrap_err();
        assert_eq!(wrong.to_string(), "STAGE: must be local, staging or production");
        let missing = env.required::<String>("EMPTY", "a word").unwrap_err();
        assert_eq!(missing.to_string(), "EMPTY: is missing: a word");
        let number = Env::of([("N", "ten")]).or("N", 7_u32).unwrap_err();
        assert_eq!(number.to_string(), "N: invalid digit found in string");
    }

    #[test]
    fn a_secret_has_exactly_one_source() {
        let of = |pairs: &[(&str, &str)]| Env::of(pairs.iter().copied()).secret("KEY", "a key");
        assert!(matches!(of(&[("KEY", "k")]), Ok(SecretRef::Value(_))));
        assert!(matches!(of(&[("KEY_FILE", "/run/key")]), Ok(SecretRef::File(_))));
        assert!(matches!(of(&[("KEY_ARN", "arn:aws:x")]), Ok(SecretRef::Arn(_))));
        let none = of(&[]).unwrap_err().to_string();
        assert_eq!(none, "KEY: is missing: a key; give it as KEY, KEY_FILE or KEY_ARN");
        let two = of(&[("KEY", "k"), ("KEY_FILE", "f")]).unwrap_err().to_string();
        assert!(two.contains("more than once"));
    }

    #[test]
    fn a_secret_is_not_printed() {
        let secret = Env::of([("KEY", "hunter2")]).secret("KEY", "a key").unwrap();
        assert!(!format!("{secret:?}").contains("hunter2"));
    }

    #[test]
    fn lists_forgive_spaces() {
        assert_eq!(Env::of([("L", " a, b ,,c")]).list("L"), ["a", "b", "c"]);
        assert!(Env::of([("L", "")]).list("L").is_empty());
    }
}
