//! The kinds of value that any resource has.

use serde_json::Value;
use uuid::Uuid;

use super::{Fault, parameter};
use crate::Timestamp;

/// A string without control characters other than tabs and line breaks. Postgres cannot store U+0000;
/// the others belong in no text, and grow sevenfold on their way through JSON in JSON: a list full of
/// them would not fit into an answer.
pub fn text(value: Value) -> Result<String, Fault> {
    let forbidden = |c: char| c < ' ' && !matches!(c, '\t' | '\n' | '\r');
    match value {
        Value::String(text) if text.contains(forbidden) => Err(Fault::new(
            "invalid_character",
            "must not contain control characters other than tabs and line breaks",
        )),
        Value::String(text) => Ok(text),
        _ => Err(Fault::new("wrong_type", "must be a string")),
    }
}

/// A string of at most `most` Unicode characters.
pub fn text_up_to(value: Value, most: usize) -> Result<String, Fault> {
    let text = text(value)?;
    if text.chars().count() > most {
        return Err(too_long(most));
    }
    Ok(text)
}

/// A string that is not empty, without the white space around it.
pub fn trimmed_up_to(value: Value, most: usize) -> Result<String, Fault> {
    trimmed(&text(value)?, most).map(str::to_owned)
}

/// The text without the white space around it, which must leave something and not too much.
pub(crate) fn trimmed(text: &str, most: usize) -> Result<&str, Fault> {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Err(Fault::new("too_short", "must not be empty"));
    }
    if trimmed.chars().count() > most {
        return Err(too_long(most));
    }
    Ok(trimmed)
}

pub(crate) fn too_long(most: usize) -> Fault {
    Fault::new("too_long", format!("must be at most {most} characters"))
}

/// `true` or `false`.
pub fn flag(value: &Value) -> Result<bool, Fault> {
    value.as_bool().ok_or_else(|| Fault::new("wrong_type", "must be true or false"))
}

/// A UUID in its usual form of 36 characters, and no other.
pub fn uuid(value: Value) -> Result<Uuid, Fault> {
    parameter::uuid(&text(value)?)
}

/// A UUID in its usual form of 36 characters; braces, prefixes and bare digits do not count.
pub fn parse_uuid(text: &str) -> Option<Uuid> {
    (text.len() == 36).then(|| Uuid::try_parse(text).ok()).flatten()
}

/// A point in time with date, time and offset.
pub fn timestamp(value: Value) -> Result<Timestamp, Fault> {
    parameter::timestamp(&text(value)?)
}

/// One of a fixed list of words.
pub fn word<T>(
    value: Value,
    named: fn(&str) -> Option<T>,
    allowed: &'static str,
) -> Result<T, Fault> {
    parameter::word(&text(value)?, named, allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_usual_form_of_a_uuid_counts() {
        let id = "0197a1b2-0000-7000-8000-000000000001";
        assert!(parse_uuid(id).is_some());
        let bare = id.replace('-', "");
        for other in [bare.as_str(), &format!("{{{id}}}"), &format!("urn:uuid:{id}"), "", "x"] {
            assert_eq!(parse_uuid(other), None, "{other}");
        }
    }

    #[test]
    fn only_true_and_false_are_flags() {
        assert_eq!((flag(&true.into()), flag(&false.into())), (Ok(true), Ok(false)));
        for other in [Value::Null, 1.into(), "true".into()] {
            assert!(flag(&other).is_err());
        }
    }
}
