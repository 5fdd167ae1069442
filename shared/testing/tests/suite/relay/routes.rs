//! Which queues get which events, and what happens if one refuses.

use std::collections::BTreeMap;

use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use domain::Role;
use domain::event::{Envelope, Kind, Queue};
use serde_json::{Value, json};
use testing::TestApp;
use uuid::Uuid;

use crate::support::{id_of, path_of};

/// All that is in a queue.
pub(super) async fn messages(app: &TestApp, queue: Queue) -> Vec<Message> {
    let mut all = Vec::new();
    loop {
        let call = app.queues().await.client().receive_message();
        let call = call.queue_url(app.queue_url(queue.name())).max_number_of_messages(10);
        let call = call.message_attribute_names("All");
        let call = call.message_system_attribute_names(MessageSystemAttributeName::All);
        let some = call.send().await.expect("messages").messages.unwrap_or_default();
        if some.is_empty() {
            return all;
        }
        all.extend(some);
    }
}

pub(super) fn event(message: &Message) -> Envelope {
    serde_json::from_str(message.body().expect("a body")).expect("an event")
}

async fn relay(app: &TestApp) -> Value {
    app.run_job("outbox-relay", Value::Null).await.expect("the relay runs")
}

async fn waiting(app: &TestApp) -> i64 {
    app.db.count("SELECT count(*) FROM app.outbox", &[]).await
}

/// A task that goes through everything that can happen to one, and the kinds of its events.
async fn story(app: &TestApp) -> Vec<Kind> {
    let (alice, admin) = (app.caller(Role::User), app.caller(Role::Admin));
    alice.get("/v1/me").send().await.expect(200);
    let task = alice.create(&json!({"title": "a task"})).await;
    let path = path_of(&task);
    let me = alice.get("/v1/me").send().await.json();
    for patch in [
        json!({"title": "another title"}),
        json!({"status": "in_progress"}),
        json!({"assignee_id": me["id"]}),
        json!({"status": "completed"}),
    ] {
        alice.patch(&path, &patch).send().await.expect(200);
    }
    admin.delete(&path).send().await.expect(204);
    admin.call("POST", &format!("{path}/restore")).send().await.expect(200);
    let of_user = format!("/v1/users/{}", me["id"].as_str().expect("an id"));
    admin.patch(&of_user, &json!({"active": false})).send().await.expect(200);
    admin.patch(&of_user, &json!({"active": true})).send().await.expect(200);
    vec![
        Kind::TaskCreated,
        Kind::TaskUpdated,
        Kind::TaskStatusChanged,
        Kind::TaskAssigned,
        Kind::TaskCompleted,
        Kind::TaskDeleted,
        Kind::TaskRestored,
        Kind::UserDeactivated,
        Kind::UserReactivated,
    ]
}

#[tokio::test]
async fn each_event_goes_to_the_queues_of_the_routing_table_and_leaves_the_outbox() {
    let mut app = TestApp::start().await;
    app.db.outlaw(); // The relay takes the rows away, by which the laws are judged.
    let kinds = story(&app).await;
    let answer = relay(&app).await;
    assert_eq!(answer["sent"], kinds.len());
    assert_eq!((answer["refused"].as_u64(), waiting(&app).await), (Some(0), 0));
    for queue in Queue::ALL {
        let expected: Vec<Kind> =
            kinds.iter().copied().filter(|kind| kind.queues().contains(&queue)).collect();
        let mut found: Vec<Kind> =
            messages(&app, queue).await.iter().map(|message| event(message).event).collect();
        found.sort_by_key(|kind| kinds.iter().position(|of| of == kind));
        assert_eq!(found, expected, "{}", queue.name());
    }
}

#[tokio::test]
async fn a_message_is_the_envelope_and_can_be_known_without_reading_it() {
    let mut app = TestApp::start().await;
    app.db.outlaw();
    let alice = app.caller(Role::User);
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let call = alice.post("/v1/tasks", &json!({"title": "canary"}));
    let call = call.header("x-request-id", "of-a-message").header("traceparent", trace);
    let task = call.send().await.expect(201).json();
    relay(&app).await;
    let messages = messages(&app, Queue::Audit).await;
    let [message] = &messages[..] else { panic!("one message") };
    let body = message.body().expect("a body");
    let head = format!(r#"{{"event":"task.created","taskId":"{}","userId":"#, id_of(&task));
    assert!(body.starts_with(&head), "{body}");
    let envelope = event(message);
    assert_eq!(envelope.request_id, "of-a-message");
    let attributes: BTreeMap<&str, &str> = message
        .message_attributes()
        .expect("attributes")
        .iter()
        .map(|(name, value)| (name.as_str(), value.string_value().unwrap_or_default()))
        .collect();
    let traceparent = envelope.traceparent.expect("a trace");
    assert!(traceparent.starts_with("00-0af7651916cd43dd8448eb211c80319c-"), "{traceparent}");
    let expected = [
        ("event", "task.created"),
        ("requestId", "of-a-message"),
        ("schema", "1"),
        ("traceparent", &traceparent),
    ];
    assert_eq!(attributes, BTreeMap::from(expected));
}

#[tokio::test]
async fn an_event_that_one_queue_refuses_stays_and_goes_to_all_of_them_later() {
    let mut app = TestApp::start().await;
    app.db.outlaw();
    let alice = app.caller(Role::User);
    let client = app.queues().await.client().clone();
    let analytics = app.queue_url(Queue::Analytics.name());
    client.delete_queue().queue_url(&analytics).send().await.expect("a deletion");
    let task = alice.create(&json!({"title": "a task"})).await;
    alice.patch(&path_of(&task), &json!({"title": "other"})).send().await.expect(200);
    let other = alice.create(&json!({"title": "of another line"})).await;
    alice.patch(&path_of(&other), &json!({"title": "other"})).send().await.expect(200);

    let answer = relay(&app).await;
    assert_eq!((answer["sent"].as_u64(), answer["pending"].as_u64()), (Some(0), Some(4)));
    // Both lines wait for their heads, which nobody has dropped.
    let attempts = app.db.count("SELECT count(*) FROM app.outbox WHERE attempts > 0", &[]).await;
    assert_eq!(attempts, 2);
    let later = "SELECT count(*) FROM app.outbox WHERE attempts > 0 AND next_attempt_at > now()";
    assert_eq!(app.db.count(later, &[]).await, 2);

    let name = format!("{}-{}", app.db.name(), Queue::Analytics.name());
    client.create_queue().queue_name(name).send().await.expect("a queue");
    app.db.run("UPDATE app.outbox SET next_attempt_at = now()").await;
    let answer = relay(&app).await;
    assert_eq!((answer["sent"].as_u64(), waiting(&app).await), (Some(4), 0));
    let created: Vec<Uuid> = messages(&app, Queue::Analytics)
        .await
        .iter()
        .filter_map(|message| event(message).task_id)
        .collect();
    assert_eq!(created.len(), 2);
}

#[tokio::test]
async fn an_event_of_a_release_to_come_waits_for_its_relay() {
    let mut app = TestApp::start().await;
    app.db.outlaw();
    let alice = app.caller(Role::User);
    let task = alice.create(&json!({"title": "a task"})).await;
    let unknown = "UPDATE app.outbox SET payload = payload || '{\"event\": \"task.flown\"}'";
    app.db.run(unknown).await;
    alice.create(&json!({"title": "another"})).await;
    let answer = relay(&app).await;
    assert_eq!((answer["sent"].as_u64(), answer["refused"].as_u64()), (Some(1), Some(1)));
    let sql = "SELECT count(*) FROM app.outbox WHERE aggregate_id = $1";
    assert_eq!(app.db.count(sql, &[&id_of(&task)]).await, 1);
}

/// SQS refuses what XML cannot hold.
#[tokio::test]
async fn no_title_keeps_an_event_from_its_queues() {
    let mut app = TestApp::start().await;
    app.db.outlaw();
    let alice = app.caller(Role::User);
    let title = "a\u{FFFE}b\u{FFFF}c \u{1F600} \u{7F}\u{85}d";
    alice.create(&json!({"title": title})).await;
    let answer = relay(&app).await;
    assert_eq!((answer["sent"].as_u64(), waiting(&app).await), (Some(1), 0));
    let messages = messages(&app, Queue::Audit).await;
    let task = event(&messages[0]).task.expect("a task");
    assert_eq!(task.title.expose(), title);
}
