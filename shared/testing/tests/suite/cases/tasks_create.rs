//! `POST /v1/tasks`.

use domain::Role;
use serde_json::json;
use testing::{Call, Caller, Reply, TestApp};

use super::{Case, app, case, support};

pub(crate) const CASES: &[Case] = &[
    case!("tasks-create", "201", created),
    case!("tasks-create", "unauthenticated", unauthenticated),
    case!("tasks-create", "invalid-token", invalid_token),
    case!("tasks-create", "auth-unavailable", auth_unavailable),
    case!("tasks-create", "token-revoked", token_revoked),
    case!("tasks-create", "account-disabled", account_disabled),
    case!("tasks-create", "forbidden", forbidden),
    case!("tasks-create", "unsupported-media-type", unsupported_media_type),
    case!("tasks-create", "payload-too-large", payload_too_large),
    case!("tasks-create", "malformed-json", malformed_json),
    case!("tasks-create", "validation-failed", validation_failed),
    case!("tasks-create", "invalid-idempotency-key", invalid_idempotency_key),
    case!("tasks-create", "idempotency-in-progress", idempotency_in_progress),
    case!("tasks-create", "idempotency-key-reused", idempotency_key_reused),
    case!("tasks-create", "internal-error", internal_error),
    case!("tasks-create", "database-unavailable", database_unavailable),
    case!("tasks-create", "timeout", timeout),
];

fn request<'a>(caller: &Caller<'a>) -> Call<'a> {
    caller.post("/v1/tasks", &json!({"title": "water the plants"}))
}

async fn created() -> Reply {
    let app = app().await;
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

async fn unauthenticated() -> Reply {
    support::unauthenticated(request).await
}

async fn invalid_token() -> Reply {
    support::invalid_token(request).await
}

async fn auth_unavailable() -> Reply {
    support::auth_unavailable(request).await
}

async fn token_revoked() -> Reply {
    support::token_revoked(request).await
}

async fn account_disabled() -> Reply {
    support::account_disabled(request).await
}

async fn forbidden() -> Reply {
    let app = app().await;
    let reply = request(&app.caller(Role::Viewer)).send().await;
    assert_eq!(reply.json()["required"], "tasks:write");
    support::forbidden(request).await
}

async fn unsupported_media_type() -> Reply {
    let app = app().await;
    request(&app.caller(Role::User)).header("content-type", "text/plain").send().await
}

async fn payload_too_large() -> Reply {
    let app = app().await;
    let body = format!("{{\"title\":\"{}\"}}", "x".repeat(256 * 1024));
    request(&app.caller(Role::User)).json(&body).send().await
}

async fn malformed_json() -> Reply {
    let app = app().await;
    request(&app.caller(Role::User)).json("{\"title\":").send().await
}

async fn validation_failed() -> Reply {
    let app = app().await;
    let ghost = "0197a1b2-0000-7000-8000-000000000001";
    let body = json!({"title": "x", "assignee_id": ghost}).to_string();
    let reply = request(&app.caller(Role::User)).json(&body).send().await;
    assert_eq!(reply.errors(), [("#/assignee_id".into(), "unknown_user".into())]);
    reply
}

async fn invalid_idempotency_key() -> Reply {
    let app = app().await;
    request(&app.caller(Role::User)).key("\"open").send().await
}

/// Somebody else's transaction holds the key for longer than the lock timeout.
async fn idempotency_in_progress() -> Reply {
    let app = app().await;
    let alice = app.caller(Role::User);
    app.db
        .run(&format!(
            "BEGIN; INSERT INTO app.idempotency
                 (user_id, key, fingerprint, op_id, status, response, expires_at)
             VALUES ('{}', 'k', '', gen_random_uuid(), 201, '{{}}', now() + interval '1 day')",
            alice.id()
        ))
        .await;
    let reply = request(&alice).key("k").send().await;
    assert_eq!(reply.header("retry-after"), Some("1"));
    app.db.run("ROLLBACK").await;
    request(&alice).key("k").send().await.expect(201);
    reply
}

async fn idempotency_key_reused() -> Reply {
    let app = app().await;
    let alice = app.caller(Role::User);
    request(&alice).key("k").send().await.expect(201);
    alice.post("/v1/tasks", &json!({"title": "another"})).key("k").send().await
}

async fn internal_error() -> Reply {
    support::internal_error(request, "ALTER FUNCTION api.create_task_v1 RENAME TO gone").await
}

async fn database_unavailable() -> Reply {
    support::database_unavailable(request).await
}

async fn timeout() -> Reply {
    support::timeout(request).await
}

#[tokio::test]
async fn a_create_works_at_the_root_too() {
    let app = TestApp::start().await;
    let alice = app.caller(Role::User);
    let reply = alice.post("/tasks", &json!({"title": "x"})).send().await.expect(201);
    assert!(reply.header("location").unwrap().starts_with("/v1/tasks/"));
}
