//! What a caller may do follows from roles, scopes and the role map, and from nothing else.

use domain::Role;
use issuer::Person;
use serde_json::json;
use testing::{Setup, TestApp};
use uuid::Uuid;

use crate::support::{known, path_of};

#[tokio::test]
async fn an_assignee_sees_the_task_and_others_do_not() {
    let app = TestApp::start().await;
    let (alice, bob, carol) =
        (app.caller(Role::User), app.caller(Role::User), app.caller(Role::User));
    known(&app, bob.id()).await;
    let task = alice.create(&json!({"title": "x", "assignee_id": bob.id()})).await;
    assert_eq!(task["assignee_id"], bob.id().to_string());
    bob.get(&path_of(&task)).send().await.expect(200);
    carol.get(&path_of(&task)).send().await.expect(404);
}

#[tokio::test]
async fn a_deactivated_user_cannot_be_assigned() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.caller(Role::User), app.caller(Role::User));
    known(&app, bob.id()).await;
    app.db.run("UPDATE app.users SET active = false").await;
    let body = json!({"title": "x", "assignee_id": bob.id()});
    let refused = alice.post("/v1/tasks", &body).key("k").send().await;
    refused.expect_problem("validation-failed");
    // The key was not used up: the corrected request may carry it.
    app.db.run("UPDATE app.users SET active = true").await;
    alice.post("/v1/tasks", &body).key("k").send().await.expect(201);
}

#[tokio::test]
async fn a_scope_narrows_even_an_admin() {
    let app = TestApp::start().await;
    let narrowed = |scope: &str| {
        app.person(Person { scope: scope.into(), ..Person::new("admin", &["admin"]) })
    };
    let body = json!({"title": "x"});
    narrowed("openid profile").post("/v1/tasks", &body).send().await.expect(201);
    narrowed("openid tasks:write").post("/v1/tasks", &body).send().await.expect(201);
    narrowed("openid tasks:read").post("/v1/tasks", &body).send().await.expect(403);
    // Without tasks:read:all an admin sees what is their own.
    let task = app.caller(Role::User).create(&body).await;
    narrowed("tasks:read").get(&path_of(&task)).send().await.expect(404);
    narrowed("tasks:read tasks:read:all").get(&path_of(&task)).send().await.expect(200);
}

#[tokio::test]
async fn roles_of_the_realm_and_of_our_client_count_and_no_others() {
    let app = TestApp::start().await;
    let body = json!({"title": "x"});
    let with = |client: &str, role: &str| {
        let mut person = Person::new("somebody", &[]);
        person.client_roles = [(client.to_owned(), vec![role.to_owned()])].into();
        app.person(person)
    };
    with("task-api", "user").post("/v1/tasks", &body).send().await.expect(201);
    with("another-api", "user").post("/v1/tasks", &body).send().await.expect(403);
    with("task-api", "root").post("/v1/tasks", &body).send().await.expect(403);
    let both = app.person(Person::new("both", &["viewer", "user", "offline_access"]));
    both.post("/v1/tasks", &body).send().await.expect(201);
}

#[tokio::test]
async fn the_role_map_is_a_setting() {
    let map = r#"{"user": ["tasks:read"], "viewer": ["tasks:read", "tasks:write"]}"#;
    let setup = Setup { env: vec![("ROLE_PERMISSIONS", map.into())], ..Setup::default() };
    let app = TestApp::with(setup).await;
    let body = json!({"title": "x"});
    app.caller(Role::User).post("/v1/tasks", &body).send().await.expect(403);
    app.caller(Role::Viewer).post("/v1/tasks", &body).send().await.expect(201);
}

#[tokio::test]
async fn a_service_account_owns_what_it_creates() {
    let app = TestApp::start().await;
    let worker = app.person(Person::service("task-worker", &["user"]));
    let task = worker.create(&json!({"title": "x"})).await;
    assert_eq!(task["user_id"], worker.id().to_string());
    worker.get(&path_of(&task)).send().await.expect(200);
    // It has no session to log out, but its tokens can be revoked by its id.
    app.db
        .rows(
            "INSERT INTO app.revocations (jti, user_id, not_before, expires_at)
             VALUES ('j', $1, now() + interval '1 minute', now() + interval '1 day')",
            &[&worker.id()],
        )
        .await;
    worker.get(&path_of(&task)).send().await.expect_problem("token-revoked");
}

#[tokio::test]
async fn a_logged_out_caller_gets_that_answer_whatever_else_is_wrong() {
    let app = TestApp::start().await;
    let viewer = app.caller(Role::Viewer);
    let sid = viewer.person().sid.as_ref().expect("a session").to_string();
    let nobody: Option<Uuid> = None;
    app.db
        .rows(
            "INSERT INTO app.revocations (jti, user_id, session_id, not_before, expires_at)
             VALUES ('j', $1, $2, now(), now() + interval '1 day')",
            &[&nobody, &sid],
        )
        .await;
    for call in [
        viewer.post("/v1/tasks", &json!({"title": "x"})),
        viewer.call("POST", "/v1/tasks").json("not json"),
        viewer.call("POST", "/v1/tasks"),
        viewer.get("/v1/tasks/nonsense"),
        viewer.get("/v1/tasks/nonsense?include_deleted=perhaps"),
        viewer.get("/v1/tasks/0197a1b2-0000-7000-8000-000000000001?include_deleted=true"),
    ] {
        call.send().await.expect_problem("token-revoked");
    }
}
