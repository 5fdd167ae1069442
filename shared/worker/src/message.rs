//! Messages as Lambda brings them from a queue.

use std::collections::BTreeMap;

use domain::event::{Envelope, SCHEMA};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An event that a worker is to deal with.
#[derive(Clone, Debug)]
pub struct Event {
    /// The event.
    pub envelope: Envelope,
    /// How often it has been received, this time included.
    pub receives: u32,
}

/// A batch of messages. Members that nobody needs are not read.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Batch {
    #[serde(rename = "Records", default)]
    pub(crate) records: Vec<Message>,
}

/// One message.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Message {
    #[serde(rename = "messageId")]
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) receipt_handle: String,
    #[serde(default)]
    pub(crate) body: String,
    /// What SQS says of it.
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    /// What its sender said of it.
    #[serde(default, rename = "messageAttributes")]
    said: BTreeMap<String, Attribute>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Attribute {
    #[serde(default)]
    string_value: Option<String>,
}

/// Which messages of a batch are to come again.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer {
    pub(crate) batch_item_failures: Vec<Item>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Item {
    pub(crate) item_identifier: String,
}

/// Why a message is no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is none at all.
    #[error("unparsable: the body is not an event")]
    NoEvent,
    /// It is of a kind, or has members, that this release does not know: the one to come will.
    #[error("not known yet: the event is not one of this release")]
    NotYet,
    /// It is of a later format.
    #[error("unknown schema: the event is of a format that this release does not know")]
    Schema,
}

impl Message {
    /// How often it has been received, this time included.
    pub(crate) fn receives(&self) -> u32 {
        let count = self.attributes.get("ApproximateReceiveCount");
        count.and_then(|count| count.parse().ok()).unwrap_or(1)
    }

    /// Its attributes that are text.
    pub(crate) fn texts(&self) -> Vec<(&str, &str)> {
        let texts = self.said.iter();
        texts
            .filter_map(|(name, attribute)| {
                Some((name.as_str(), attribute.string_value.as_deref()?))
            })
            // That of an earlier burial.
            .filter(|(name, _)| *name != "reason")
            .collect()
    }

    /// The event in it.
    pub(crate) fn event(&self) -> Result<Event, Unreadable> {
        // The format first: what a later one looks like, nobody knows.
        let body: Value = serde_json::from_str(&self.body).map_err(|_| Unreadable::NoEvent)?;
        match body.get("schema").map(Value::as_u64) {
            Some(Some(schema)) if schema == u64::from(SCHEMA) => {}
            Some(Some(_)) => return Err(Unreadable::Schema),
            _ => return Err(Unreadable::NoEvent),
        }
        let is_event = body.get("event").is_some_and(Value::is_string) && body.get("id").is_some();
        let unreadable = if is_event { Unreadable::NotYet } else { Unreadable::NoEvent };
        let envelope = serde_json::from_value(body).map_err(|_| unreadable)?;
        Ok(Event { envelope, receives: self.receives() })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn message(body: &str) -> Message {
        serde_json::from_value(json!({"messageId": "m", "receiptHandle": "r", "body": body}))
            .unwrap()
    }

    fn unreadable(body: &str) -> Unreadable {
        message(body).event().unwrap_err()
    }

    #[test]
    fn what_is_no_event_is_told_from_what_is_of_a_later_format() {
        for body in ["", "{", "null", "[]", "1", r#"{"schema": 1}"#, r#"{"schema": "1"}"#] {
            assert_eq!(unreadable(body), Unreadable::NoEvent, "{body}");
        }
        assert_eq!(unreadable(r#"{"schema": 2, "what": "ever"}"#), Unreadable::Schema);
        let unknown = r#"{"schema": 1, "event": "task.flown", "id": "x"}"#;
        assert_eq!(unreadable(unknown), Unreadable::NotYet);
        assert_eq!(message("").receives(), 1);
    }

    #[test]
    fn the_example_of_the_documentation_is_read() {
        let batch = include_str!("../../../localstack/events/sqs.json");
        let batch: Batch = serde_json::from_str(batch).unwrap();
        let [message] = &batch.records[..] else { panic!("one message") };
        let event = message.event().unwrap();
        assert_eq!(event.envelope.event.name(), "task.created");
        assert_eq!(event.receives, 1);
        assert!(message.texts().contains(&("event", "task.created")));
    }
}
