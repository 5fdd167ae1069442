//! Messages as Lambda gives them to a function.

use aws_sdk_sqs::types::{Message, MessageAttributeValue};
use axum::body::Bytes;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};

use crate::lambda::PAYLOAD_LIMIT;

/// An event, and the messages in it.
pub(super) struct Batch {
    pub(super) payload: Bytes,
    pub(super) messages: Vec<Held>,
}

/// A message that is ours until it is deleted, or its visibility timeout ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) id: String,
    pub(super) receipt: String,
}

const BEGIN: &str = r#"{"Records":["#;
const END: &str = "]}";

/// Messages of the queue with this ARN as one event, or as several if one would be too large.
pub(super) fn batches(messages: Vec<Message>, arn: &str) -> Vec<Batch> {
    let mut batches = Vec::new();
    let (mut records, mut held) = (Vec::new(), Vec::new());
    let mut size = BEGIN.len() + END.len();
    for message in messages {
        let record = record(&message, arn).to_string();
        // One more for the comma.
        if !records.is_empty() && size + record.len() + 1 > PAYLOAD_LIMIT {
            batches.push(batch(&std::mem::take(&mut records), std::mem::take(&mut held)));
            size = BEGIN.len() + END.len();
        }
        size += record.len() + 1;
        records.push(record);
        held.push(Held {
            id: message.message_id.unwrap_or_default(),
            receipt: message.receipt_handle.unwrap_or_default(),
        });
    }
    if !records.is_empty() {
        batches.push(batch(&records, held));
    }
    batches
}

fn batch(records: &[String], messages: Vec<Held>) -> Batch {
    let payload = format!("{BEGIN}{}{END}", records.join(","));
    Batch { payload: payload.into(), messages }
}

fn record(message: &Message, arn: &str) -> Value {
    let attributes = message.attributes.iter().flatten();
    let attributes = attributes.map(|(name, value)| (name.as_str().to_owned(), value.clone()));
    let own = message.message_attributes.iter().flatten();
    let own = own.map(|(name, value)| (name.clone(), attribute(value)));
    let mut record = json!({
        "messageId": message.message_id(),
        "receiptHandle": message.receipt_handle(),
        "body": message.body().unwrap_or_default(),
        "attributes": attributes.map(|(name, value)| (name, value.into())).collect::<Map<_, _>>(),
        "messageAttributes": own.collect::<Map<_, _>>(),
        "md5OfBody": message.md5_of_body(),
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": arn.split(':').nth(3),
    });
    if let Some(digest) = message.md5_of_message_attributes() {
        record["md5OfMessageAttributes"] = digest.into();
    }
    record
}

/// The lists are never filled, neither by SQS nor by Lambda, but they are there.
fn attribute(value: &MessageAttributeValue) -> Value {
    let mut attribute = json!({
        "stringListValues": [],
        "binaryListValues": [],
        "dataType": value.data_type(),
    });
    if let Some(text) = value.string_value() {
        attribute["stringValue"] = text.into();
    }
    if let Some(bytes) = value.binary_value() {
        attribute["binaryValue"] = BASE64_STANDARD.encode(bytes).into();
    }
    attribute
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:sqs:eu-west-1:000000000000:task-audit";

    fn message(id: &str, body: &str) -> Message {
        Message::builder().message_id(id).receipt_handle(format!("r-{id}")).body(body).build()
    }

    #[test]
    fn a_message_without_attributes_has_all_members() {
        let batches = batches(vec![message("m1", "{}")], ARN);
        let event: Value = serde_json::from_slice(&batches[0].payload).unwrap();
        let record = json!({
            "messageId": "m1", "receiptHandle": "r-m1", "body": "{}",
            "attributes": {}, "messageAttributes": {}, "md5OfBody": null,
            "eventSource": "aws:sqs", "eventSourceARN": ARN, "awsRegion": "eu-west-1",
        });
        assert_eq!(event, json!({ "Records": [record] }));
        assert_eq!(batches[0].messages, [Held { id: "m1".into(), receipt: "r-m1".into() }]);
    }

    #[test]
    fn what_is_too_large_for_one_event_becomes_several() {
        // In the event, each character is two.
        let body = "\"".repeat(1024 * 1024);
        let messages = (0..8).map(|n| message(&n.to_string(), &body)).collect();
        let batches = batches(messages, ARN);
        let counts: Vec<usize> = batches.iter().map(|batch| batch.messages.len()).collect();
        assert_eq!(counts, [2, 2, 2, 2]);
        for batch in &batches {
            assert!(batch.payload.len() <= PAYLOAD_LIMIT);
            let event: Value = serde_json::from_slice(&batch.payload).unwrap();
            let ids = event["Records"].as_array().unwrap().iter();
            let ids: Vec<&str> = ids.filter_map(|record| record["messageId"].as_str()).collect();
            let held: Vec<&str> = batch.messages.iter().map(|held| held.id.as_str()).collect();
            assert_eq!(ids, held);
        }
    }
}
