//! One key: no record without it, the same answer again, and no other request under it.

use route::Entry;
use serde_json::{Value, json};
use testing::{Call, TestApp};

use super::{
    administrator, answer, events, events_of_one, executed, good, is_replay, mutations, records,
};
use crate::cases::{RouteCases, success_of};
use crate::support::everything;

/// What happens to things after a request: its replay tells of how they were.
const LATER: &str = "UPDATE app.tasks SET title = 'another since';
    UPDATE app.users SET time_zone = 'Asia/Kathmandu';
    UPDATE app.users SET name = 'another since' WHERE username = 'somebody'";

/// Another good body for a route.
fn another_body(entry: &Entry) -> Value {
    match entry.spec.name {
        "tasks-create" => json!({"title": "something else"}),
        "tasks-update" => json!({"status": "rejected"}),
        "tasks-replace" => json!({"title": "something else", "status": "pending"}),
        "me-update" => json!({"time_zone": "Europe/Paris"}),
        "users-update" => json!({"active": true}),
        "exports-create" => json!({"kind": "report", "format": "jsonl"}),
        route => panic!("another good body for {route} is missing here"),
    }
}

#[tokio::test]
async fn without_a_key_each_request_counts_and_none_is_recorded() {
    let app = TestApp::start().await;
    for entry in mutations() {
        let admin = administrator(&app).await;
        let (call, _) = good(&entry, &app, &admin).await;
        let before = events(&app).await;
        executed(&entry, call.send().await);
        assert_eq!(events(&app).await, before + events_of_one(&entry), "{}", entry.spec.name);
        // Now it may be a change of nothing, or of what is gone.
        assert!(!is_replay(&call.send().await), "{}", entry.spec.name);
        assert_eq!(records(&app, admin.id()).await, 0, "{}", entry.spec.name);
    }
}

#[tokio::test]
async fn a_replay_is_the_same_answer_and_nothing_happens() {
    let app = TestApp::start().await;
    for entry in mutations() {
        let name = entry.spec.name;
        let admin = administrator(&app).await;
        let (call, id) = good(&entry, &app, &admin).await;
        let before = events(&app).await;
        let first = executed(&entry, call.key("k").send().await);
        assert_eq!(events(&app).await, before + events_of_one(&entry), "{name}");
        let statuses = "SELECT status::bigint FROM app.idempotency WHERE user_id = $1";
        assert_eq!(app.db.count(statuses, &[&admin.id()]).await, i64::from(success_of(&entry)));

        app.db.run(LATER).await;
        let before = everything(&app).await;
        for path in entry.spec.paths() {
            for key in ["k", "\"k\""] {
                let again = RouteCases::of(&entry).call(&admin, path, id).key(key).send().await;
                assert_eq!(answer(&again), answer(&first), "{name} at {path} with {key}");
                assert!(is_replay(&again), "{name} at {path} with {key}");
            }
        }
        assert_eq!(everything(&app).await, before, "{name}");
        assert_eq!(records(&app, admin.id()).await, 1, "{name}");
    }
}

/// Other requests of the same route: of another version, about another thing, with another body.
async fn others<'a>(
    entry: &Entry,
    app: &TestApp,
    admin: &testing::Caller<'a>,
    call: &Call<'a>,
) -> Vec<Call<'a>> {
    let mut others = vec![call.clone().header("if-match", "*")];
    if !entry.shape.path.is_empty() {
        others.push(good(entry, app, admin).await.0);
    }
    if entry.shape.body {
        others.push(call.clone().json(&another_body(entry).to_string()));
    }
    others
}

#[tokio::test]
async fn a_key_is_for_one_request() {
    let app = TestApp::start().await;
    for entry in mutations() {
        let admin = administrator(&app).await;
        let (call, _) = good(&entry, &app, &admin).await;
        let first = executed(&entry, call.clone().key("k").send().await);
        for other in others(&entry, &app, &admin, &call).await {
            let before = everything(&app).await;
            let reply = other.clone().key("k").send().await;
            reply.expect_problem("idempotency-key-reused").expect(422);
            assert_eq!(everything(&app).await, before, "{}", entry.spec.name);
            assert!(!is_replay(&other.key("another").send().await), "{}", entry.spec.name);
            app.db.run("DELETE FROM app.idempotency WHERE key = 'another'").await;
        }
        let again = call.key("k").send().await;
        assert_eq!(answer(&again), answer(&first), "the first request keeps the key");
    }
}

/// Keys are private: what one caller did is no answer to another.
#[tokio::test]
async fn a_key_belongs_to_one_caller() {
    let app = TestApp::start().await;
    for entry in mutations() {
        let (admin, other) = (administrator(&app).await, administrator(&app).await);
        let (call, id) = good(&entry, &app, &admin).await;
        executed(&entry, call.key("k").send().await);
        let same = RouteCases::of(&entry).call(&other, entry.spec.path, id).key("k");
        let reply = same.send().await;
        assert!(!is_replay(&reply), "{}", entry.spec.name);
        assert_ne!(reply.code().as_deref(), Some("idempotency-key-reused"), "{}", entry.spec.name);
    }
}

#[tokio::test]
async fn a_key_of_one_route_is_refused_at_every_other() {
    let app = TestApp::start().await;
    for entry in mutations() {
        let admin = administrator(&app).await;
        let (call, _) = good(&entry, &app, &admin).await;
        executed(&entry, call.key("k").send().await);
        for other in mutations().into_iter().filter(|other| other.spec.name != entry.spec.name) {
            let (call, _) = good(&other, &app, &admin).await;
            let before = everything(&app).await;
            let reply = call.key("k").send().await;
            reply.expect_problem("idempotency-key-reused").expect(422);
            let names = (entry.spec.name, other.spec.name);
            assert_eq!(everything(&app).await, before, "{names:?}");
        }
    }
}
