//! The ready events of `localstack/events/`: they say what clients and queues really say.

use domain::NewTask;
use domain::event::Envelope;
use serde_json::Value;

#[test]
fn the_message_is_an_event_that_workers_can_read() {
    let event: Value = serde_json::from_str(include_str!("../../../events/sqs.json")).unwrap();
    let record = &event["Records"][0];
    let envelope: Envelope = serde_json::from_str(record["body"].as_str().unwrap()).unwrap();
    let attributes = &record["messageAttributes"];
    assert_eq!(attributes["event"]["stringValue"], envelope.event.name());
    assert_eq!(attributes["schema"]["stringValue"], envelope.schema.to_string());
    assert_eq!(attributes["requestId"]["stringValue"], envelope.request_id);
    assert_eq!(attributes["traceparent"]["stringValue"].as_str(), envelope.traceparent.as_deref());
}

#[test]
fn the_requests_are_of_one_shape_and_their_tokens_are_filled_in_later() {
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let health = read(include_str!("../../../events/health.json"));
    let list = read(include_str!("../../../events/tasks-list.json"));
    let create = read(include_str!("../../../events/tasks-create.json"));
    for event in [&health, &list, &create] {
        let http = &event["requestContext"]["http"];
        let (method, path) = (http["method"].as_str().unwrap(), http["path"].as_str().unwrap());
        assert_eq!(event["version"], "2.0");
        assert_eq!(event["routeKey"], format!("{method} {path}"));
        assert_eq!(event["requestContext"]["routeKey"], event["routeKey"]);
        assert_eq!(event["rawPath"], path);
        let names = event["headers"].as_object().unwrap().keys();
        assert!(names.clone().all(|name| *name == name.to_lowercase()), "{names:?}");
    }
    assert_eq!(list["headers"]["authorization"], "Bearer ${TOKEN}");
    assert_eq!(create["headers"]["authorization"], "Bearer ${TOKEN}");
    let body = serde_json::from_str(create["body"].as_str().unwrap()).unwrap();
    assert!(NewTask::from_json(body).is_ok());
    assert_eq!(read(include_str!("../../../events/migrate.json")), serde_json::json!({}));
}
