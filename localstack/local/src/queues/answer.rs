//! What a function's answer says of the messages it was given.

use std::collections::HashSet;

use serde_json::Value;

use super::event::Held;

/// The messages that failed, of an answer with `batchItemFailures`. An answer that is not as it
/// should be is an error, and means that all failed.
pub(super) fn failed(answer: &[u8], messages: &[Held]) -> Result<HashSet<String>, String> {
    if answer.is_empty() {
        return Ok(HashSet::new());
    }
    let answer: Value =
        serde_json::from_slice(answer).map_err(|error| format!("it is no JSON: {error}"))?;
    let failures = match answer {
        Value::Null => Value::Null,
        Value::Object(mut members) => members.remove("batchItemFailures").unwrap_or_default(),
        _ => return Err("it is no object".to_owned()),
    };
    let failures = match failures {
        Value::Null => Vec::new(),
        Value::Array(failures) => failures,
        _ => return Err("batchItemFailures is no list".to_owned()),
    };
    failures.iter().map(|failure| identifier(failure, messages)).collect()
}

fn identifier(failure: &Value, messages: &[Held]) -> Result<String, String> {
    match failure["itemIdentifier"].as_str() {
        Some(id) if messages.iter().any(|message| message.id == id) => Ok(id.to_owned()),
        Some("") | None => Err("a failure has no itemIdentifier".to_owned()),
        Some(id) => Err(format!("it names {id:?}, which is no message of the batch")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(answer: &str) -> Result<Vec<String>, String> {
        let held = |id: &str| Held { id: id.into(), receipt: String::new() };
        let mut ids: Vec<String> =
            failed(answer.as_bytes(), &[held("a"), held("b"), held("c")])?.into_iter().collect();
        ids.sort_unstable();
        Ok(ids)
    }

    #[test]
    fn all_is_done_if_no_failure_is_named() {
        for answer in [
            "",
            "null",
            "{}",
            r#"{"batchItemFailures":[]}"#,
            r#"{"batchItemFailures":null}"#,
            r#"{"other":1}"#,
        ] {
            assert_eq!(ask(answer), Ok(Vec::new()), "{answer}");
        }
    }

    #[test]
    fn those_that_are_named_failed() {
        let answer = r#"{"batchItemFailures":[{"itemIdentifier":"c"},{"itemIdentifier":"a"},{"itemIdentifier":"c"}]}"#;
        assert_eq!(ask(answer), Ok(vec!["a".to_owned(), "c".to_owned()]));
    }

    #[test]
    fn an_answer_that_is_not_understood_is_an_error() {
        for answer in [
            "nonsense",
            "true",
            r#""text""#,
            "[]",
            r#"{"batchItemFailures":{}}"#,
            r#"{"batchItemFailures":"a"}"#,
            r#"{"batchItemFailures":["a"]}"#,
            r#"{"batchItemFailures":[{}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":null}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":1}]}"#,
            r#"{"batchItemFailures":[{"ItemIdentifier":"a"}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"d"}]}"#,
        ] {
            assert!(ask(answer).is_err(), "{answer}");
        }
    }
}
