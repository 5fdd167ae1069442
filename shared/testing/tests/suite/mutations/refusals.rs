//! A request that is refused leaves its key free: corrected, or after what stood in its way is gone, it
//! may carry the same.

use domain::Role;
use issuer::Person;
use route::{Entry, Kind};
use serde_json::json;
use testing::{Call, Caller, TestApp};

use super::{administrator, executed, good, mutations, records};
use crate::cases::RouteCases;
use crate::support::{everything, known, path_of};

/// A request that meets this problem, from the caller whose good request it spoils. None if the problem
/// has nothing to do with keys, or is shown elsewhere.
async fn spoiled<'a>(
    kind: Kind,
    entry: &Entry,
    app: &'a TestApp,
    admin: &Caller<'a>,
    call: &Call<'a>,
) -> Option<Call<'a>> {
    let cases = RouteCases::of(entry);
    Some(match kind {
        Kind::TaskNotFound | Kind::UserNotFound => {
            cases.call(admin, entry.spec.path, app.clock.new_id())
        }
        Kind::PreconditionFailed => call.clone().header("if-match", "\"4711\""),
        Kind::Forbidden => {
            let without = Person { realm_roles: Vec::new(), ..admin.person().clone() };
            let authorization = app.person(without).authorization().map(str::to_owned);
            call.clone().header("authorization", authorization.expect("a token"))
        }
        Kind::ValidationFailed => {
            let mut call = call.clone();
            call.event.raw_query_string = "colour=red".into();
            call
        }
        Kind::Conflict => match entry.spec.name {
            "tasks-restore" => {
                let task = admin.create(&json!({"title": "not deleted"})).await;
                admin.call("POST", &format!("{}/restore", path_of(&task)))
            }
            "users-update" => cases.call(admin, entry.spec.path, admin.id()),
            route => panic!("how {route} meets a conflict is missing here"),
        },
        _ => return None,
    })
}

#[tokio::test]
async fn a_refused_request_leaves_its_key_free() {
    let app = TestApp::start().await;
    let mut refused = 0;
    for entry in mutations() {
        for kind in entry.problems.clone() {
            let admin = administrator(&app).await;
            let (call, _) = good(&entry, &app, &admin).await;
            let Some(bad) = spoiled(kind, &entry, &app, &admin, &call).await else { continue };
            let before = everything(&app).await;
            bad.key("k").send().await.expect_problem(kind.code());
            assert_eq!(everything(&app).await, before, "{} {kind:?}", entry.spec.name);
            assert_eq!(records(&app, admin.id()).await, 0, "{} {kind:?}", entry.spec.name);
            executed(&entry, call.key("k").send().await);
            refused += 1;
        }
    }
    assert!(refused >= 3 * mutations().len(), "{refused} refusals");
}

/// The very same request, refused until the account is in order again.
#[tokio::test]
async fn who_was_shut_out_finds_their_key_free() {
    let app = TestApp::start().await;
    for entry in mutations() {
        let admin = administrator(&app).await;
        let (call, _) = good(&entry, &app, &admin).await;
        let call = call.key("k");
        let set = "UPDATE app.users SET active = $2 WHERE id = $1";
        app.db.rows(set, &[&admin.id(), &false]).await;
        call.send().await.expect_problem("account-disabled");
        app.db.rows(set, &[&admin.id(), &true]).await;
        executed(&entry, call.send().await);
    }
}

/// The very same request, refused for what the task is, and later taken.
#[tokio::test]
async fn what_the_database_refused_may_be_asked_again_with_the_same_key() {
    let app = TestApp::start().await;
    let (alice, bob, admin) =
        (app.caller(Role::User), app.caller(Role::User), administrator(&app).await);
    let ghost = app.clock.new_id();
    let task = alice.create(&json!({"title": "x"})).await;
    let path = path_of(&task);

    // 422: a user who is not known yet.
    let whole = json!({"title": "y", "status": "pending", "assignee_id": ghost});
    let to_ghost = [
        alice.post("/v1/tasks", &json!({"title": "x", "assignee_id": ghost})).key("create"),
        alice.patch(&path, &json!({"assignee_id": ghost})).key("update"),
        alice.put(&path, &whole).key("replace"),
    ];
    for call in &to_ghost {
        call.send().await.expect_problem("validation-failed");
    }
    // 404: a task that is not Bob's yet. 403: a field that is not his to set.
    let bobs = bob.patch(&path, &json!({"status": "rejected"})).key("k");
    bobs.send().await.expect_problem("task-not-found");
    let admins = bob.patch(&path, &json!({"title": "bob's"})).key("title");
    // 409: a task that is not deleted.
    let restore = admin.call("POST", &format!("{path}/restore")).key("k");
    restore.send().await.expect_problem("conflict");
    // 412: a version that is still to come.
    let third = alice.patch(&path, &json!({"title": "third"})).header("if-match", "\"3\"").key("3");
    third.send().await.expect_problem("precondition-failed");
    let sql = "SELECT count(*) FROM app.idempotency";
    assert_eq!(app.db.count(sql, &[]).await, 0);

    known(&app, ghost).await;
    for (call, status) in to_ghost.iter().zip([201, 200, 200]) {
        assert_eq!(call.send().await.expect(status).header("idempotency-replayed"), None);
    }
    third.send().await.expect(200);
    known(&app, bob.id()).await;
    alice.patch(&path, &json!({"assignee_id": bob.id()})).send().await.expect(200);
    admins.send().await.expect_problem("forbidden");
    bobs.send().await.expect(200);
    admin.patch(&path, &json!({"user_id": bob.id()})).send().await.expect(200);
    admins.send().await.expect(200);
    admin.delete(&path).send().await.expect(204);
    restore.send().await.expect(200);
}
