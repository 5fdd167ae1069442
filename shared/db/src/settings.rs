//! Where the database is, and how to get in.

use config::{ConfigError, Env, ExposeSecret, SecretRef, SecretString};
use serde::Deserialize;

/// The settings of the database handles.
#[derive(Clone)]
pub struct Settings {
    /// The writer, without credentials.
    pub writer: tokio_postgres::Config,
    /// The reader, if there is one.
    pub reader: Option<tokio_postgres::Config>,
    /// Name and password of this function's role.
    pub credentials: SecretRef,
    /// The certificate authority to trust instead of the public ones, in PEM.
    pub ca_file: Option<std::path::PathBuf>,
    /// Connections per process: one for each request that it serves at a time.
    pub connections: usize,
}

/// More connections than this a process does not get, whatever its concurrency: they add up over
/// the fleet.
const MOST_CONNECTIONS: usize = 8;

impl Settings {
    /// Reads the settings.
    pub fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let url: String =
            env.required("DATABASE_URL", "the writer, as postgres://host:port/database")?;
        let reader: Option<String> = env.optional("DATABASE_READER_URL")?;
        let concurrency: usize = env.or("AWS_LAMBDA_MAX_CONCURRENCY", 1)?;
        Ok(Self {
            writer: address("DATABASE_URL", &url)?,
            reader: reader.map(|url| address("DATABASE_READER_URL", &url)).transpose()?,
            credentials: env.secret(
                "DATABASE_CREDENTIALS",
                r#"{"username": …, "password": …} of this function's database role"#,
            )?,
            ca_file: env.optional("DATABASE_CA_FILE")?,
            connections: concurrency.clamp(1, MOST_CONNECTIONS),
        })
    }
}

pub(crate) fn address(name: &str, url: &str) -> Result<tokio_postgres::Config, ConfigError> {
    let config: tokio_postgres::Config = url
        .parse()
        .map_err(|_| ConfigError::new(name, "must be of the form postgres://host:port/database"))?;
    if config.get_password().is_some() || config.get_user().is_some() {
        return Err(ConfigError::new(
            name,
            "must not contain a user or a password; they belong in DATABASE_CREDENTIALS",
        ));
    }
    if config.get_hosts().is_empty() || config.get_dbname().is_none() {
        return Err(ConfigError::new(name, "must name a host and a database"));
    }
    Ok(config)
}

/// What a credentials secret holds, as RDS writes it. Further members are ignored.
#[derive(Deserialize)]
pub struct Credentials {
    /// The login role.
    pub username: String,
    /// Its password.
    pub password: SecretText,
}

/// A password that is not printed.
#[derive(Deserialize)]
#[serde(from = "String")]
pub struct SecretText(SecretString);

impl From<String> for SecretText {
    fn from(text: String) -> Self {
        Self(SecretString::from(text))
    }
}

impl SecretText {
    /// The password itself.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl Credentials {
    /// Reads the secret's text.
    pub fn parse(text: &SecretString) -> Result<Self, String> {
        // serde's message may quote the text: it stays inside.
        serde_json::from_str(text.expose_secret()).map_err(|_| {
            r#"the database credentials are not of the form {"username": …, "password": …}"#
                .to_owned()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env() -> Env {
        Env::of([
            ("DATABASE_URL", "postgres://localhost:5432/tasks"),
            ("DATABASE_CREDENTIALS", r#"{"username":"api_read","password":"p"}"#),
        ])
    }

    fn refusal(env: &Env) -> String {
        Settings::from_env(env).err().map(|e| e.to_string()).unwrap_or_default()
    }

    #[test]
    fn wrong_addresses_are_named() {
        assert_eq!(refusal(&env()), "");
        let with = |url: &str| refusal(&env().with("DATABASE_URL", url));
        assert!(with("").starts_with("DATABASE_URL: is missing"));
        assert!(with("nonsense").starts_with("DATABASE_URL: must"));
        assert!(with("postgres://a:b@localhost/tasks").contains("DATABASE_CREDENTIALS"));
        assert!(with("postgres://localhost").contains("must name a host and a database"));
        let reader = refusal(&env().with("DATABASE_READER_URL", "x"));
        assert!(reader.starts_with("DATABASE_READER_URL: must"), "{reader}");
    }

    #[test]
    fn wrong_credentials_are_not_quoted() {
        let text = SecretString::from(r#"{"username":"u","pass":"hunter2"}"#);
        let why = Credentials::parse(&text).err().unwrap_or_default();
        assert!(why.contains("username") && !why.contains("hunter2"));
    }
}
