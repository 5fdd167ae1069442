//! Small things that several tests need.

use serde_json::{Value, json};
use testing::{Reply, TestApp};
use uuid::Uuid;

/// The address of a task.
pub(crate) fn path_of(task: &Value) -> String {
    format!("/v1/tasks/{}", task["id"].as_str().expect("an id"))
}

/// A task of anybody, also of somebody who could not create one. Returns its id.
pub(crate) async fn task_of(app: &TestApp, owner: Uuid) -> Uuid {
    let id = app.clock.new_id();
    app.db
        .rows(
            "SELECT * FROM api.create_task_v1(
                 p_user => $1, p_session => NULL, p_issued_at => now(),
                 p_key => NULL, p_fingerprint => NULL,
                 p_id => $2, p_title => 'a task', p_description => NULL, p_status => 'pending',
                 p_priority => 'normal', p_due_at => NULL, p_labels => '{}', p_assignee => NULL,
                 p_event => gen_random_uuid(), p_request_id => 'test', p_traceparent => NULL)",
            &[&owner, &id],
        )
        .await;
    id
}

/// Makes somebody known, as their first request will.
pub(crate) async fn known(app: &TestApp, user: Uuid) {
    app.db.rows("INSERT INTO app.users (id, username) VALUES ($1, 'somebody')", &[&user]).await;
}

/// What a client can compare of two answers: everything but the ids that each answer has of its own.
pub(crate) fn without_ids(reply: &Reply, path: &str) -> Value {
    let mut body = reply.json();
    for own in ["request_id", "instance"] {
        body[own] = Value::Null;
    }
    let headers: Vec<_> = [
        "cache-control",
        "content-type",
        "etag",
        "retry-after",
        "strict-transport-security",
        "www-authenticate",
        "x-content-type-options",
    ]
    .map(|name| (name, reply.header(name).map(str::to_owned)))
    .into();
    assert!(reply.text().contains(path), "the instance is {path}: {}", reply.text());
    json!({"status": reply.status(), "body": body, "headers": headers})
}
