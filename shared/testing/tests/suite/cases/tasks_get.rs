//! `GET /v1/tasks/{id}`.

use domain::Role;
use serde_json::json;
use testing::{Call, Caller, Reply, TestApp};

use super::{Case, app, case, support};

pub(crate) const CASES: &[Case] = &[
    case!("tasks-get", "200", found),
    case!("tasks-get", "304", not_modified),
    case!("tasks-get", "unauthenticated", unauthenticated),
    case!("tasks-get", "invalid-token", invalid_token),
    case!("tasks-get", "auth-unavailable", auth_unavailable),
    case!("tasks-get", "token-revoked", token_revoked),
    case!("tasks-get", "account-disabled", account_disabled),
    case!("tasks-get", "forbidden", forbidden),
    case!("tasks-get", "validation-failed", validation_failed),
    case!("tasks-get", "task-not-found", task_not_found),
    case!("tasks-get", "internal-error", internal_error),
    case!("tasks-get", "database-unavailable", database_unavailable),
    case!("tasks-get", "timeout", timeout),
];

const MISSING: &str = "/v1/tasks/0197a1b2-0000-7000-8000-000000000001";

fn request<'a>(caller: &Caller<'a>) -> Call<'a> {
    caller.get(MISSING)
}

fn path(task: &serde_json::Value) -> String {
    format!("/v1/tasks/{}", task["id"].as_str().unwrap())
}

async fn found() -> Reply {
    let app = app().await;
    let alice = app.caller(Role::User);
    let task = alice.create(&json!({"title": "x"})).await;
    let reply = alice.get(&path(&task)).send().await.expect(200);
    assert_eq!(reply.json(), task);
    assert_eq!(reply.header("etag"), Some("\"1\""));
    assert_eq!(reply.header("cache-control"), Some("private, no-cache"));
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    assert!(reply.header("strict-transport-security").is_some());
    reply
}

async fn not_modified() -> Reply {
    let app = app().await;
    let alice = app.caller(Role::User);
    let task = alice.create(&json!({"title": "x"})).await;
    let stale = alice.get(&path(&task)).header("if-none-match", "\"0\"").send().await;
    stale.expect(200);
    let reply = alice.get(&path(&task)).header("if-none-match", "W/\"1\"").send().await;
    assert_eq!(reply.text(), "");
    assert_eq!(reply.header("etag"), Some("\"1\""));
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

/// The trash is for those who administer tasks.
async fn forbidden() -> Reply {
    let app = app().await;
    let alice = app.caller(Role::User);
    let task = alice.create(&json!({"title": "x"})).await;
    let reply = alice.get(&format!("{}?include_deleted=true", path(&task))).send().await;
    assert_eq!(reply.json()["required"], "tasks:admin");
    support::forbidden(request).await
}

async fn validation_failed() -> Reply {
    let app = app().await;
    let alice = app.caller(Role::User);
    let reply = alice.get(&format!("{MISSING}?include_deleted=perhaps")).send().await;
    assert_eq!(reply.errors(), [("include_deleted".into(), "invalid_value".into())]);
    reply
}

async fn task_not_found() -> Reply {
    let app = app().await;
    let reply = request(&app.caller(Role::Admin)).send().await;
    assert_eq!(reply.json()["detail"], "Task not found");
    reply
}

async fn internal_error() -> Reply {
    support::internal_error(request, "ALTER FUNCTION api.standing_v1 RENAME TO gone").await
}

async fn database_unavailable() -> Reply {
    support::database_unavailable(request).await
}

async fn timeout() -> Reply {
    support::timeout(request).await
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let app = TestApp::start().await;
    let alice = app.caller(Role::User);
    let task = alice.create(&json!({"title": "x"})).await;
    let head = alice.call("HEAD", &path(&task)).send().await.expect(200);
    let get = alice.get(&path(&task)).send().await;
    assert_eq!(head.text(), "");
    for header in ["etag", "content-type", "cache-control"] {
        assert_eq!(head.header(header), get.header(header), "{header}");
    }
    assert_eq!(alice.call("HEAD", MISSING).send().await.expect(404).text(), "");
}

#[tokio::test]
async fn a_deleted_task_is_shown_to_admins_who_ask() {
    let app = TestApp::start().await;
    let (alice, admin) = (app.caller(Role::User), app.caller(Role::Admin));
    let task = alice.create(&json!({"title": "x"})).await;
    app.db.run("UPDATE app.tasks SET deleted_at = now()").await;
    app.db.run("UPDATE app.user_state SET task_count = 0").await;
    alice.get(&path(&task)).send().await.expect_problem("task-not-found");
    admin.get(&path(&task)).send().await.expect_problem("task-not-found");
    let trash = format!("{}?include_deleted=true", path(&task));
    let shown = admin.get(&trash).send().await.expect(200).json();
    assert!(shown["deleted_at"].is_string());
}
