//! What a caller may do follows from roles, scopes and the role map, and from nothing else.

use domain::Role;
use issuer::Person;
use serde_json::json;
use testing::{Caller, Setup, TestApp};
use uuid::Uuid;

use crate::support::{delete, known, path_of, task_assigned_to, task_of};

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
    let token = app.issuer.mint_logout(worker.person());
    let logout = app.anonymous().call("POST", "/oidc/backchannel-logout");
    logout.form(&[("logout_token", &token)]).send().await.expect(200);
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
        viewer.get("/v1/tasks?deleted=true"),
        viewer.get("/v1/tasks?cursor=nonsense"),
        viewer.get("/v1/users"),
        viewer.get("/v1/stats?from=2026-01-02&to=2026-01-01"),
        viewer.get("/v1/tasks/0197a1b2-0000-7000-8000-000000000001/history?cursor=nonsense"),
        viewer.get("/v1/audit-events"),
    ] {
        call.send().await.expect_problem("token-revoked");
    }
    // Lists that are refused by their own rules.
    let alice = app.caller(Role::User);
    let sid = alice.person().sid.as_ref().expect("a session").to_string();
    app.db
        .rows(
            "INSERT INTO app.revocations (jti, session_id, not_before, expires_at)
             VALUES ('k', $1, now(), now() + interval '1 day')",
            &[&sid],
        )
        .await;
    for path in
        ["/v1/tasks?scope=all", "/v1/stats?scope=all", "/v1/users", "/v1/users?q=ab&active=false"]
    {
        alice.get(path).send().await.expect_problem("token-revoked");
    }
}

/// The ids of a list, sorted.
async fn listed(caller: &Caller<'_>, query: &str) -> Vec<String> {
    let reply = caller.get(&format!("/v1/tasks?limit=100{query}")).send().await.expect(200);
    let items = reply.json()["items"].as_array().expect("items").clone();
    let mut ids: Vec<_> =
        items.iter().filter_map(|task| task["id"].as_str().map(str::to_owned)).collect();
    ids.sort_unstable();
    ids
}

/// Somebody's own task, one that is assigned to them, and one that is neither.
async fn three_tasks(app: &TestApp, caller: &Caller<'_>) -> [String; 3] {
    let own = task_of(app, caller.id()).await;
    let assigned = task_assigned_to(app, caller.id()).await;
    let foreign = task_of(app, app.clock.new_id()).await;
    [own, assigned, foreign].map(|id| id.to_string())
}

/// Who writes is shown their own unless they ask; who only reads, all that they may read.
#[tokio::test]
async fn a_list_holds_what_its_scope_says() {
    for role in Role::ALL {
        let app = TestApp::start().await;
        let caller = app.caller(role);
        let [own, assigned, foreign] = three_tasks(&app, &caller).await;
        assert_eq!(listed(&caller, "&scope=owned").await, [own.as_str()]);
        assert_eq!(listed(&caller, "&scope=assigned").await, [assigned.as_str()]);
        let everything = [own.as_str(), &assigned, &foreign];
        if role == Role::Viewer {
            assert_eq!(listed(&caller, "").await, everything);
        } else {
            assert_eq!(listed(&caller, "").await, [own.as_str()]);
        }
        if role != Role::User {
            assert_eq!(listed(&caller, "&scope=all").await, everything);
            let mine = format!("&user_id={}", caller.id());
            assert_eq!(listed(&caller, &mine).await, [own.as_str()], "of one owner, among all");
        }
    }
}

/// What takes more rights than the list itself is refused with the right that it takes.
#[tokio::test]
async fn a_list_is_refused_to_whom_it_does_not_belong() {
    let app = TestApp::start().await;
    let (user, viewer) = (app.caller(Role::User), app.caller(Role::Viewer));
    let (me, somebody) = (user.id(), app.clock.new_id());
    for (caller, query, required) in [
        (&user, "scope=all", "tasks:read:all"),
        (&user, &format!("user_id={somebody}"), "tasks:read:all"),
        (&user, &format!("user_id={me}&scope=owned"), "tasks:read:all"),
        (&user, "deleted=true", "tasks:admin"),
        (&user, "deleted=true&scope=all", "tasks:read:all"),
        (&viewer, "deleted=true", "tasks:admin"),
    ] {
        for base in ["/v1/tasks", "/tasks"] {
            let reply = caller.get(&format!("{base}?{query}")).send().await;
            let reply = reply.expect_problem("forbidden");
            assert_eq!(reply.json()["required"], required, "{query}");
            let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{required}\"");
            assert_eq!(reply.header("www-authenticate"), Some(challenge.as_str()));
        }
    }
}

/// A reader who may not read everything has only what is assigned to them.
#[tokio::test]
async fn a_narrowed_viewer_is_shown_what_is_assigned_to_them() {
    let map = r#"{"viewer": ["tasks:read"]}"#;
    let setup = Setup { env: vec![("ROLE_PERMISSIONS", map.into())], ..Setup::default() };
    let app = TestApp::with(setup).await;
    let viewer = app.caller(Role::Viewer);
    let [own, assigned, foreign] = three_tasks(&app, &viewer).await;
    assert_eq!(listed(&viewer, "").await, [assigned.as_str()]);
    assert_eq!(listed(&viewer, "&scope=owned").await, [own.as_str()]);
    let refused = viewer.get("/v1/tasks?scope=all").send().await.expect_problem("forbidden");
    assert_eq!(refused.json()["required"], "tasks:read:all");
    viewer.get(&format!("/v1/tasks/{assigned}")).send().await.expect(200);
    viewer.get(&format!("/v1/tasks/{foreign}")).send().await.expect_problem("task-not-found");
}

/// With `tasks:delete:own` users delete and restore what they own, and nothing else.
#[tokio::test]
async fn users_can_be_given_the_right_to_delete_their_own() {
    let map = r#"{"user": ["tasks:read", "tasks:write", "tasks:delete:own"]}"#;
    let setup = Setup { env: vec![("ROLE_PERMISSIONS", map.into())], ..Setup::default() };
    let app = TestApp::with(setup).await;
    let alice = app.caller(Role::User);
    let [own, assigned, foreign] = three_tasks(&app, &alice).await;
    let deleted = async |id: &str| alice.delete(&format!("/v1/tasks/{id}")).send().await;
    let restored =
        async |id: &str| alice.call("POST", &format!("/v1/tasks/{id}/restore")).send().await;

    restored(&own).await.expect_problem("conflict");
    deleted(&own).await.expect(204);
    deleted(&own).await.expect_problem("task-not-found");
    let trash = alice.get(&format!("/v1/tasks/{own}?include_deleted=true")).send().await;
    assert_eq!(trash.expect_problem("forbidden").json()["required"], "tasks:admin");
    restored(&own).await.expect(200);

    // An assignee sees the task, and so is told what it takes.
    for reply in [deleted(&assigned).await, restored(&assigned).await] {
        assert_eq!(reply.expect_problem("forbidden").json()["required"], "tasks:delete");
    }
    // The trash is there only for those who may take things out of it.
    delete(&app, assigned.parse().expect("an id")).await;
    restored(&assigned).await.expect_problem("task-not-found");

    deleted(&foreign).await.expect_problem("task-not-found");
    restored(&foreign).await.expect_problem("task-not-found");
    delete(&app, foreign.parse().expect("an id")).await;
    restored(&foreign).await.expect_problem("task-not-found");
}

/// A token that was asked for with less than everything does less, also where the rights are judged late.
#[tokio::test]
async fn a_narrow_token_of_an_admin_is_no_admins() {
    let app = TestApp::start().await;
    let narrow =
        Person { scope: "tasks:read tasks:write".into(), ..Person::new("admin", &["admin"]) };
    let admin = app.person(narrow);
    let [own, assigned, foreign] = three_tasks(&app, &admin).await;
    let path = |id: &str| format!("/v1/tasks/{id}");
    let title = json!({"title": "y"});
    admin.patch(&path(&own), &title).send().await.expect(200);
    let refused = admin.patch(&path(&assigned), &title).send().await.expect_problem("forbidden");
    assert_eq!(refused.json()["required"], "tasks:admin");
    admin.patch(&path(&foreign), &title).send().await.expect_problem("task-not-found");
    admin.delete(&path(&own)).send().await.expect_problem("forbidden");
    admin.get("/v1/tasks?scope=all").send().await.expect_problem("forbidden");
    // Users are found by name, and shown by name.
    admin.get("/v1/users").send().await.expect_problem("validation-failed");
    let found = admin.get("/v1/users?q=admin").send().await.expect(200).json();
    let person = json!({"id": admin.id(), "username": "admin", "name": "admin Tester"});
    assert_eq!(found["items"], json!([person]));
    let user = format!("/v1/users/{}", app.clock.new_id());
    admin.patch(&user, &json!({"active": false})).send().await.expect_problem("forbidden");
}
