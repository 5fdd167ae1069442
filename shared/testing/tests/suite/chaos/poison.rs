//! What cannot be dealt with harms only itself: it ends with the dead letters, with the reason.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::types::{Message, MessageSystemAttributeName, QueueAttributeName};
use db::WorkerDb;
use domain::Role;
use domain::event::{Envelope, Queue};
use serde_json::{Value, json};
use testing::TestApp;
use worker::{Cx, Entry, Event, Failure, Function, Spec, Worker};

const QUEUE: &str = "task-audit";
const DEAD: &str = "task-audit-dlq";
/// What the queue allows.
const RECEIVES: u32 = 10;

/// The audit's worker, but for one thing that it cannot stand.
struct Touchy;

impl Worker for Touchy {
    const SPEC: Spec =
        Spec::of("touchy", Queue::Audit).batches(10, 0).receives(RECEIVES).backoff(&[0]).together();
    type Deps = WorkerDb;

    #[expect(clippy::manual_assert, reason = "a worker that panics")]
    async fn handle(cx: Cx<'_, Self>, events: &[Event]) -> Result<(), Failure> {
        for event in events {
            let task = event.envelope.task.as_ref();
            if task.is_some_and(|task| task.title.expose() == "panic") {
                panic!("it cannot stand this");
            }
        }
        let envelopes: Vec<&Envelope> = events.iter().map(|event| &event.envelope).collect();
        cx.deps.write_audit(&envelopes).await?;
        Ok(())
    }
}

/// Gives a function what is in the queue, as an event source mapping does, until nothing is left. Returns
/// how often each message was given.
async fn pump(app: &TestApp, function: &Arc<dyn Function>) -> Vec<(String, u32)> {
    let client = app.queues().await.client();
    let url = app.queue_url(QUEUE);
    let mut given = Vec::new();
    loop {
        let call = client.receive_message().queue_url(&url).max_number_of_messages(10);
        let call = call.message_attribute_names("All").wait_time_seconds(1);
        let call = call.message_system_attribute_names(MessageSystemAttributeName::All);
        let messages = call.send().await.expect("messages").messages.unwrap_or_default();
        if messages.is_empty() {
            return given;
        }
        given.extend(messages.iter().map(|message| (text(message), receives(message))));
        let records: Vec<Value> = messages.iter().map(record).collect();
        let answer = function.call(json!({"Records": records}), Duration::from_secs(20)).await;
        let answer = answer.expect("an answer");
        for message in &messages {
            let id = message.message_id().expect("an id");
            let failed = answer["batchItemFailures"].as_array().expect("a list").iter();
            if failed.clone().any(|item| item["itemIdentifier"] == id) {
                continue;
            }
            let receipt = message.receipt_handle().expect("a receipt");
            client
                .delete_message()
                .queue_url(&url)
                .receipt_handle(receipt)
                .send()
                .await
                .expect("gone");
        }
    }
}

fn text(message: &Message) -> String {
    message.body().unwrap_or_default().to_owned()
}

fn receives(message: &Message) -> u32 {
    let attributes = message.attributes().expect("attributes");
    attributes[&MessageSystemAttributeName::ApproximateReceiveCount].parse().expect("a number")
}

fn record(message: &Message) -> Value {
    json!({
        "messageId": message.message_id(), "receiptHandle": message.receipt_handle(),
        "body": message.body(),
        "attributes": {"ApproximateReceiveCount": receives(message).to_string()},
    })
}

#[tokio::test]
async fn seven_are_done_and_three_are_dead_with_their_reasons() {
    let app = TestApp::start().await;
    let alice = app.caller(Role::User);
    for title in ["a", "b", "c", "d", "e", "f", "g", "panic", "constraint"] {
        alice.create(&json!({"title": title})).await;
    }
    let rows = app.db.rows("SELECT payload FROM app.outbox", &[]).await;
    let mut events: Vec<Envelope> =
        rows.iter().map(|row| serde_json::from_value(row.get(0)).expect("an event")).collect();
    for event in &mut events {
        let title = event.task.as_ref().map(|task| task.title.expose().clone());
        if title.as_deref() == Some("constraint") {
            event.version = -1; // No version of anything: the table refuses it.
        }
    }
    let client = app.queues().await.client().clone();
    let url = app.queue_url(QUEUE);
    // More receives than the worker allows: that it is the worker who gives up is to be seen.
    let policy = json!({
        "deadLetterTargetArn": format!(
            "arn:aws:sqs:us-east-1:000000000000:{}-{DEAD}", app.db.name()
        ),
        "maxReceiveCount": RECEIVES + 5,
    });
    let call = client.set_queue_attributes().queue_url(&url);
    let call = call.attributes(QueueAttributeName::RedrivePolicy, policy.to_string());
    call.send().await.expect("a policy");
    let bodies = events.iter().map(|event| serde_json::to_string(event).expect("JSON"));
    for body in bodies.chain(["{no event".to_owned()]) {
        client.send_message().queue_url(&url).message_body(body).send().await.expect("sent");
    }

    let touchy =
        (Entry::of::<Touchy>().prepare)(&app.env_of_worker("audit-worker"), app.clock.clone());
    let touchy = touchy.unwrap_or_else(|error| panic!("{error}"));
    let given = pump(&app, &touchy).await;
    let done = "SELECT count(*) FROM app.audit";
    assert_eq!(app.db.count(done, &[]).await, 7);
    let most = |part: &str| {
        let of = given.iter().filter(|(body, _)| body.contains(part));
        of.map(|(_, receives)| *receives).max().unwrap_or_default()
    };
    assert_eq!(most("{no event"), 1, "at once");
    assert_eq!(most("\"panic\""), RECEIVES);
    assert_eq!(most("\"a\""), 1, "its neighbours once");

    let mut dead = Vec::new();
    while dead.len() < 3 {
        let some = app.take(DEAD).await;
        assert!(!some.is_empty(), "only {} are dead", dead.len());
        dead.extend(some);
    }
    let reason = |part: &str| {
        let of = dead.iter().find(|(body, _)| body.contains(part)).expect("a dead letter");
        of.1.clone().unwrap_or_default()
    };
    assert!(reason("{no event").starts_with("unparsable"), "{dead:?}");
    assert!(reason("\"panic\"").contains("panicked"), "{dead:?}");
    assert!(reason("\"constraint\"").contains("audit_version_check"), "{dead:?}");
    assert!(dead.iter().all(|(_, reason)| !reason.clone().unwrap_or_default().contains("title")));

    // With the mended worker it is dealt with once, however often it is redriven.
    let (body, _) = dead.iter().find(|(body, _)| body.contains("\"panic\"")).expect("a letter");
    for _ in 0..2 {
        let again = app.work_raw("audit-worker", &[(body.clone(), 1)]).await;
        assert!(again.is_empty());
    }
    assert_eq!(app.db.count(done, &[]).await, 8);
}
