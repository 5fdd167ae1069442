//! Reading an input field by field, so that one answer names everything that is wrong with it.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::Timestamp;

/// One thing that is wrong with an input, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// In the body: a JSON pointer in a fragment, `#/labels/3`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// In the query: the parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
    /// For programs.
    pub code: &'static str,
    /// For people. Never repeats the value that was sent.
    pub detail: Cow<'static, str>,
}

/// What is wrong with one value: a code, an explanation, and where inside the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    code: &'static str,
    detail: Cow<'static, str>,
    inside: Option<usize>,
}

impl Fault {
    /// A fault of the value as a whole.
    pub fn new(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { code, detail: detail.into(), inside: None }
    }

    /// The same fault, of the element at `index`.
    #[must_use]
    pub fn at(mut self, index: usize) -> Self {
        self.inside = Some(index);
        self
    }

    /// The same fault, of a query parameter.
    pub fn of_parameter(self, name: &str) -> FieldError {
        FieldError {
            pointer: None,
            parameter: Some(name.to_owned()),
            code: self.code,
            detail: self.detail,
        }
    }

    fn of_field(self, name: &str) -> FieldError {
        let name = escaped(name);
        let pointer = match self.inside {
            Some(index) => format!("#/{name}/{index}"),
            None => format!("#/{name}"),
        };
        FieldError { pointer: Some(pointer), parameter: None, code: self.code, detail: self.detail }
    }
}

/// A field name as a part of a JSON pointer in a URI fragment.
pub fn escaped(name: &str) -> String {
    // A field name comes from the client: keep the answer small whatever was sent.
    let shown: String = name.chars().take(64).collect();
    let mut part = String::new();
    for byte in shown.replace('~', "~0").replace('/', "~1").bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@?".contains(&byte) {
            part.push(char::from(byte));
        } else {
            let _ = write!(part, "%{byte:02X}");
        }
    }
    part
}

/// An input that breaks the rules, with everything that is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid(pub Vec<FieldError>);

/// How many errors one answer lists: enough to be useful, too few to be a load.
const MOST_ERRORS: usize = 50;

/// The fields of a JSON object, taken one by one. What nobody took is unknown, and an error.
pub struct Fields {
    object: Map<String, Value>,
    known: Vec<&'static str>,
    errors: Vec<FieldError>,
}

impl Fields {
    /// The fields of an object.
    pub const fn of(object: Map<String, Value>) -> Self {
        Self { object, known: Vec::new(), errors: Vec::new() }
    }

    /// A field that must be there and must not be null.
    pub fn required<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(Value) -> Result<T, Fault>,
    ) -> Option<T> {
        match self.take(name) {
            Some(value) => self.parsed(name, value, parse),
            None => self.failed(name, Fault::new("required", "is required")),
        }
    }

    /// A field that may be left out, but must not be null.
    pub fn optional<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(Value) -> Result<T, Fault>,
    ) -> Option<T> {
        let value = self.take(name)?;
        self.parsed(name, value, parse)
    }

    /// A field that may be left out (`None`) or null (`Some(None)`).
    pub fn nullable<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(Value) -> Result<T, Fault>,
    ) -> Option<Option<T>> {
        match self.take(name)? {
            Value::Null => Some(None),
            value => self.parsed(name, value, parse).map(Some),
        }
    }

    /// Ends the reading: an error for each field nobody asked for, then the result.
    ///
    /// `build` is asked only if nothing is wrong; it answers `None` if a required part is missing.
    pub fn finish<T>(mut self, build: impl FnOnce() -> Option<T>) -> Result<T, Invalid> {
        let known = self.known.join(", ");
        for name in self.object.keys() {
            let fault = Fault::new(
                "unknown_field",
                format!("is not a field that can be set here; those are: {known}"),
            );
            self.errors.push(fault.of_field(name));
        }
        self.errors.truncate(MOST_ERRORS);
        if self.errors.is_empty()
            && let Some(built) = build()
        {
            return Ok(built);
        }
        Err(Invalid(self.errors))
    }

    fn take(&mut self, name: &'static str) -> Option<Value> {
        self.known.push(name);
        self.object.remove(name)
    }

    fn parsed<T>(
        &mut self,
        name: &str,
        value: Value,
        parse: impl FnOnce(Value) -> Result<T, Fault>,
    ) -> Option<T> {
        parse(value).map_or_else(|fault| self.failed(name, fault), Some)
    }

    fn failed<T>(&mut self, name: &str, fault: Fault) -> Option<T> {
        self.errors.push(fault.of_field(name));
        None
    }
}

// The kinds of value that any resource has.

/// A string without U+0000, which Postgres cannot store.
pub fn text(value: Value) -> Result<String, Fault> {
    match value {
        Value::String(text) if text.contains('\0') => {
            Err(Fault::new("invalid_character", "must not contain the character U+0000"))
        }
        Value::String(text) => Ok(text),
        _ => Err(Fault::new("wrong_type", "must be a string")),
    }
}

/// A string of at most `most` Unicode characters.
pub fn text_up_to(value: Value, most: usize) -> Result<String, Fault> {
    let text = text(value)?;
    if text.chars().count() > most {
        return Err(Fault::new("too_long", format!("must be at most {most} characters")));
    }
    Ok(text)
}

/// A string that is not empty, without the white space around it.
pub fn trimmed_up_to(value: Value, most: usize) -> Result<String, Fault> {
    let text = text(value)?;
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Err(Fault::new("too_short", "must not be empty"));
    }
    if trimmed.chars().count() > most {
        return Err(Fault::new("too_long", format!("must be at most {most} characters")));
    }
    Ok(if trimmed.len() == text.len() { text } else { trimmed.to_owned() })
}

/// A UUID in its usual form of 36 characters, and no other.
pub fn uuid(value: Value) -> Result<Uuid, Fault> {
    let text = text(value)?;
    parse_uuid(&text).ok_or_else(|| Fault::new("invalid_uuid", "must be a UUID"))
}

/// A UUID in its usual form of 36 characters; braces, prefixes and bare digits do not count.
pub fn parse_uuid(text: &str) -> Option<Uuid> {
    (text.len() == 36).then(|| Uuid::try_parse(text).ok()).flatten()
}

/// A point in time with date, time and offset.
pub fn timestamp(value: Value) -> Result<Timestamp, Fault> {
    let text = text(value)?;
    Timestamp::parse(&text).ok_or_else(|| {
        Fault::new(
            "invalid_timestamp",
            "must be an RFC 3339 date and time with an offset, such as 2026-01-31T09:30:00Z",
        )
    })
}

/// One of a fixed list of words.
pub fn word<T>(
    value: Value,
    named: fn(&str) -> Option<T>,
    allowed: &'static str,
) -> Result<T, Fault> {
    let text = text(value)?;
    named(&text).ok_or_else(|| Fault::new("invalid_value", format!("must be one of {allowed}")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(value: Value) -> Fields {
        match value {
            Value::Object(object) => Fields::of(object),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn one_answer_names_everything_that_is_wrong() {
        let mut f = fields(json!({"a": 1, "c/d é": true}));
        let a = f.required("a", text);
        let b = f.required("b", text);
        let Invalid(errors) = f.finish(|| Some((a?, b?))).unwrap_err();
        let found: Vec<_> = errors.iter().map(|e| (e.pointer.as_deref(), e.code)).collect();
        assert_eq!(
            found,
            [
                (Some("#/a"), "wrong_type"),
                (Some("#/b"), "required"),
                (Some("#/c~1d%20%C3%A9"), "unknown_field"),
            ]
        );
    }

    #[test]
    fn null_is_a_value_only_where_it_means_something() {
        let mut f = fields(json!({"a": null, "b": null}));
        assert_eq!(f.nullable("a", text), Some(None));
        assert_eq!(f.nullable("absent", text), None);
        assert_eq!(f.optional("b", text), None);
        assert!(f.finish(|| Some(())).is_err());
    }

    #[test]
    fn a_flood_of_fields_gets_a_short_answer() {
        let object = (0..10_000).map(|i| (i.to_string(), Value::Null)).collect();
        let Invalid(errors) = Fields::of(object).finish(|| Some(())).unwrap_err();
        assert_eq!(errors.len(), MOST_ERRORS);
    }

    #[test]
    fn only_the_usual_form_of_a_uuid_counts() {
        let id = "0197a1b2-0000-7000-8000-000000000001";
        assert!(parse_uuid(id).is_some());
        let bare = id.replace('-', "");
        for other in [bare.as_str(), &format!("{{{id}}}"), &format!("urn:uuid:{id}"), "", "x"] {
            assert_eq!(parse_uuid(other), None, "{other}");
        }
    }
}
