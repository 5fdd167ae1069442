//! One event per change, in the same commit, in its final form.

use domain::event::{Envelope, Kind};
use domain::{Priority, Role, Status};
use serde_json::{Value, json};
use testing::TestApp;

use crate::support::known;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

#[tokio::test]
async fn a_create_writes_its_one_event() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.caller(Role::User), app.caller(Role::User));
    known(&app, bob.id()).await;
    let body = json!({
        "title": "x", "description": "a long story", "status": "completed", "priority": "urgent",
        "assignee_id": bob.id(), "due_at": "2026-12-01T00:00:00Z",
    });
    let call = alice
        .post("/v1/tasks", &body)
        .header("x-request-id", "my-request")
        .header("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-01"));
    let task = call.send().await.expect(201).json();

    let rows = app
        .db
        .rows(
            "SELECT aggregate_id::text, aggregate_version, id::text, type, payload FROM app.outbox",
            &[],
        )
        .await;
    assert_eq!(rows.len(), 1);
    let row = &rows[0];
    let payload: Value = row.get("payload");
    let event: Envelope = serde_json::from_value(payload.clone()).expect("an envelope");
    assert_eq!(row.get::<_, String>("type"), "task.created");
    assert_eq!(row.get::<_, i64>("aggregate_version"), 1);
    assert_eq!(row.get::<_, String>("id"), event.id.to_string());
    assert_eq!(task["id"], row.get::<_, String>("aggregate_id"));

    assert_eq!(event.event, Kind::TaskCreated);
    assert_eq!(event.task_id.map(|id| json!(id)), Some(task["id"].clone()));
    assert_eq!((event.user_id, event.owner_id), (Some(alice.id()), Some(alice.id())));
    assert_eq!(event.assignee_id, Some(bob.id()));
    assert_eq!(json!(event.at), task["created_at"]);
    assert_eq!(event.id.get_version_num(), 7);
    assert_eq!((event.schema, event.version), (1, 1));
    assert!(event.changed.is_empty() && event.changes.is_empty());
    let summary = event.task.expect("a summary");
    assert_eq!(summary.title.expose(), "x");
    assert_eq!((summary.status, summary.priority), (Status::Completed, Priority::Urgent));
    assert_eq!(json!(summary.due_at), task["due_at"]);
    assert_eq!(event.request_id, "my-request");
    let traceparent = event.traceparent.expect("a trace");
    assert!(traceparent.starts_with(&format!("00-{TRACE}-")), "{traceparent}");
    // Descriptions and addresses do not travel.
    let text = payload.to_string();
    assert!(!text.contains("a long story") && !text.contains('@'), "{text}");
}

#[tokio::test]
async fn what_was_refused_leaves_no_event() {
    let app = TestApp::start().await;
    let alice = app.caller(Role::User);
    let ghost = app.clock.new_id();
    for body in [json!({"title": ""}), json!({"title": "x", "assignee_id": ghost})] {
        alice.post("/v1/tasks", &body).key("k").send().await.expect(422);
    }
    for table in ["outbox", "tasks", "idempotency", "user_state"] {
        let count = format!("SELECT count(*) FROM app.{table}");
        assert_eq!(app.db.count(&count, &[]).await, 0, "{table}");
    }
}
