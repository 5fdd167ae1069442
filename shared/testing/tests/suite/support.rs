//! Small things that several tests need.

use std::collections::BTreeMap;

use route::{Entry, Kind};
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

/// Something that a route's path can name, of this owner. Any id if the path names nothing.
pub(crate) async fn named_by_path(app: &TestApp, entry: &Entry, owner: Uuid) -> Uuid {
    if entry.shape.path.is_empty() {
        return app.clock.new_id();
    }
    let names_a_task = entry.problems.contains(&Kind::TaskNotFound);
    assert!(names_a_task, "say here how to make what the path of {} names", entry.spec.name);
    task_of(app, owner).await
}

/// What a client can compare of two answers: everything but the ids that each answer has of its own.
/// The answer to a HEAD has no body.
pub(crate) fn without_ids(reply: &Reply) -> Value {
    let mut body = if reply.text().is_empty() { Value::Null } else { reply.json() };
    if let Some(members) = body.as_object_mut() {
        members.retain(|name, _| !["request_id", "instance"].contains(&name.as_str()));
    }
    let headers: BTreeMap<_, _> =
        reply.headers().filter(|(name, _)| *name != "x-request-id").collect();
    json!({"status": reply.status(), "body": body, "headers": headers})
}
