//! `POST /v1/tasks`.

use domain::Role;
use serde_json::json;
use testing::{Reply, TestApp};

use super::{Named, RouteCases, case};

pub(crate) const ROUTE: RouteCases = RouteCases {
    route: "tasks-create",
    request: |caller, address| caller.post(address, &json!({"title": "water the plants"})),
    names: Named::Nothing,
    own: &[case!("201", created), case!("validation-failed", unknown_assignee)],
};

async fn created(app: &TestApp) -> Reply {
    let alice = app.caller(Role::User);
    let body = json!({
        "title": " water the plants ",
        "description": "all of them",
        "status": "in-progress",
        "priority": "high",
        "due_at": "2026-12-01T10:00:00+01:00",
        "labels": ["home", "home", " garden "],
    });
    let reply = alice.post("/v1/tasks", &body).send().await.expect(201);
    let task = reply.json();
    assert_eq!(task["title"], "water the plants");
    assert_eq!(task["status"], "in_progress");
    assert_eq!(task["due_at"], "2026-12-01T09:00:00.000Z");
    assert_eq!(task["labels"], json!(["home", "garden"]));
    assert_eq!(task["user_id"], alice.id().to_string());
    assert_eq!((&task["version"], &task["completed_at"]), (&json!(1), &json!(null)));
    assert_eq!(task["created_at"], task["updated_at"]);
    assert_eq!(reply.header("etag"), Some("\"1\""));
    let location = reply.header("location").unwrap().to_owned();
    assert_eq!(location, format!("/v1/tasks/{}", task["id"].as_str().unwrap()));
    // README's four fields stand first, and the address leads to the very same bytes.
    assert!(reply.text().starts_with(r#"{"id":""#), "{}", reply.text());
    assert_eq!(alice.get(&location).send().await.text(), reply.text());
    reply
}

async fn unknown_assignee(app: &TestApp) -> Reply {
    let ghost = "0197a1b2-0000-7000-8000-000000000001";
    let body = json!({"title": "x", "assignee_id": ghost});
    let reply = app.caller(Role::User).post("/v1/tasks", &body).send().await;
    assert_eq!(reply.errors(), [("#/assignee_id".into(), "unknown_user".into())]);
    reply
}

#[tokio::test]
async fn a_create_works_at_the_root_too() {
    let app = TestApp::start().await;
    let alice = app.caller(Role::User);
    let reply = alice.post("/tasks", &json!({"title": "x"})).send().await.expect(201);
    assert!(reply.header("location").unwrap().starts_with("/v1/tasks/"));
}
