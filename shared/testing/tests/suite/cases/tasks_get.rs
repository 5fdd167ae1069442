//! `GET /v1/tasks/{id}`.

use domain::Role;
use serde_json::json;
use testing::{Reply, TestApp};

use super::{Named, RouteCases, case};
use crate::support::path_of;

pub(crate) const ROUTE: RouteCases = RouteCases {
    route: "tasks-get",
    request: |caller, address| caller.get(address),
    names: Named::Task,
    own: &[case!("200", found), case!("304", not_modified), case!("validation-failed", no_flag)],
};

const MISSING: &str = "/v1/tasks/0197a1b2-0000-7000-8000-000000000001";

async fn found(app: &TestApp) -> Reply {
    let alice = app.caller(Role::User);
    let task = alice.create(&json!({"title": "x"})).await;
    let reply = alice.get(&path_of(&task)).send().await.expect(200);
    assert_eq!(reply.json(), task);
    assert_eq!(reply.header("etag"), Some("\"1\""));
    assert_eq!(reply.header("cache-control"), Some("private, no-cache"));
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    assert!(reply.header("strict-transport-security").is_some());
    reply
}

async fn not_modified(app: &TestApp) -> Reply {
    let alice = app.caller(Role::User);
    let task = alice.create(&json!({"title": "x"})).await;
    let stale = alice.get(&path_of(&task)).header("if-none-match", "\"0\"").send().await;
    stale.expect(200);
    let reply = alice.get(&path_of(&task)).header("if-none-match", "W/\"1\"").send().await;
    assert_eq!(reply.text(), "");
    assert_eq!(reply.header("etag"), Some("\"1\""));
    reply
}

async fn no_flag(app: &TestApp) -> Reply {
    let alice = app.caller(Role::User);
    let reply = alice.get(&format!("{MISSING}?include_deleted=perhaps")).send().await;
    assert_eq!(reply.errors(), [("include_deleted".into(), "invalid_value".into())]);
    reply
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let app = TestApp::start().await;
    let alice = app.caller(Role::User);
    let task = alice.create(&json!({"title": "x"})).await;
    let head = alice.call("HEAD", &path_of(&task)).send().await.expect(200);
    let get = alice.get(&path_of(&task)).send().await;
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
    alice.get(&path_of(&task)).send().await.expect_problem("task-not-found");
    admin.get(&path_of(&task)).send().await.expect_problem("task-not-found");
    let trash = format!("{}?include_deleted=true", path_of(&task));
    let shown = admin.get(&trash).send().await.expect(200).json();
    assert!(shown["deleted_at"].is_string());
}

/// The trash is for those who administer tasks, whatever lies in it.
#[tokio::test]
async fn who_may_not_see_the_trash_is_told_what_it_takes() {
    let app = TestApp::start().await;
    let alice = app.caller(Role::User);
    let task = path_of(&alice.create(&json!({"title": "x"})).await);
    for path in [task.as_str(), MISSING] {
        let reply = alice.get(&format!("{path}?include_deleted=true")).send().await;
        assert_eq!(reply.expect_problem("forbidden").json()["required"], "tasks:admin");
    }
}
