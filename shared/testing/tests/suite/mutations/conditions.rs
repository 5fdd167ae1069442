//! `If-Match`: a change of the version that the client names, or none.

use domain::Role;
use route::{Entry, Kind};
use serde_json::json;
use testing::TestApp;
use uuid::Uuid;

use super::{administrator, answer, executed, good, is_replay, mutations};
use crate::support::{everything, known, path_of};

/// The routes that look at the condition.
fn conditional() -> Vec<Entry> {
    let mut found = mutations();
    found.retain(|entry| entry.problems.contains(&Kind::PreconditionFailed));
    found
}

#[test]
fn every_change_of_a_task_looks_at_the_condition() {
    for entry in mutations().iter().filter(|entry| entry.spec.path.starts_with("/v1/tasks/")) {
        let looks = entry.problems.contains(&Kind::PreconditionFailed);
        assert!(looks, "{}", entry.spec.name);
    }
    assert!(conditional().len() >= 4);
}

async fn version(app: &TestApp, task: Uuid) -> i64 {
    app.db.count("SELECT version FROM app.tasks WHERE id = $1", &[&task]).await
}

#[tokio::test]
async fn a_version_that_is_named_is_changed() {
    let app = TestApp::start().await;
    let admin = administrator(&app).await;
    for entry in conditional() {
        for form in ["\"V\"", " \"V\" ", "W/\"V\"", "\"4711\", \"V\"", "\"V\",junk", "*", " * "] {
            let (call, id) = good(&entry, &app, &admin).await;
            let old = version(&app, id).await;
            let header = form.replace('V', &old.to_string());
            executed(&entry, call.header("if-match", header).send().await);
            assert_eq!(version(&app, id).await, old + 1, "{} with {form}", entry.spec.name);
        }
    }
}

#[tokio::test]
async fn any_other_version_is_told_which_one_it_is() {
    let app = TestApp::start().await;
    let admin = administrator(&app).await;
    for entry in conditional() {
        let (call, id) = good(&entry, &app, &admin).await;
        let before = everything(&app).await;
        let (now, next) = (version(&app, id).await, version(&app, id).await + 1);
        for header in [
            format!("\"{next}\""),
            format!("W/\"{next}\""),
            format!("\"{next}\", \"4711\""),
            "\"0\"".to_owned(),
            "\"-1\"".to_owned(),
            format!("\"0{now}\""),
            now.to_string(),
            String::new(),
            "junk".to_owned(),
            "\"*\"".to_owned(),
            "\"99999999999999999999\"".to_owned(),
        ] {
            let reply = call.clone().header("if-match", header.as_str()).send().await;
            let reply = reply.expect_problem("precondition-failed").expect(412);
            assert_eq!(reply.json()["current_version"], now, "{} {header}", entry.spec.name);
            assert_eq!(reply.header("etag"), Some(format!("\"{now}\"").as_str()));
        }
        assert_eq!(everything(&app).await, before, "{}", entry.spec.name);
    }
}

/// The condition is a part of the request: repeated, it is not judged anew.
#[tokio::test]
async fn a_repeated_condition_is_replayed_and_not_outdated() {
    let app = TestApp::start().await;
    let admin = administrator(&app).await;
    for entry in conditional() {
        let (call, id) = good(&entry, &app, &admin).await;
        let tag = format!("\"{}\"", version(&app, id).await);
        let call = call.header("if-match", tag).key(entry.spec.name);
        let first = executed(&entry, call.send().await);
        let again = call.send().await;
        assert!(is_replay(&again), "{}", entry.spec.name);
        assert_eq!(answer(&again), answer(&first), "{}", entry.spec.name);
    }
}

/// First whether there is a task, then which version, then whose field it is.
#[tokio::test]
async fn a_condition_is_judged_after_the_sight_and_before_the_right() {
    let app = TestApp::start().await;
    let (alice, bob, carol) =
        (app.caller(Role::User), app.caller(Role::User), app.caller(Role::User));
    known(&app, bob.id()).await;
    let task = alice.create(&json!({"title": "x", "assignee_id": bob.id()})).await;
    let body = json!({"title": "y", "status": "pending"});
    for (stale, of_bob) in [("\"2\"", "precondition-failed"), ("\"1\"", "forbidden")] {
        for caller in [&bob, &carol] {
            let patch = caller.patch(&path_of(&task), &body).header("if-match", stale);
            let put = caller.put(&path_of(&task), &body).header("if-match", stale);
            let code = if caller.id() == bob.id() { of_bob } else { "task-not-found" };
            for call in [patch, put] {
                call.send().await.expect_problem(code);
            }
        }
    }
}
