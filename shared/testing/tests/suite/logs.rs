//! What the log says of a request, and what it never says.

use domain::Role;
use issuer::Person;
use serde_json::json;
use testing::{TestApp, anything_holds, lines_of};

use crate::support::path_of;

#[tokio::test]
async fn a_request_leaves_one_line_with_what_one_asks_for() {
    let app = TestApp::start().await;
    let alice = app.caller(Role::User);
    let call = alice.post("/v1/tasks", &json!({"title": "x"})).header("x-request-id", "line-1");
    call.send().await.expect(201);
    let lines = lines_of("line-1");
    assert_eq!(lines.len(), 1, "{lines:?}");
    let line = &lines[0];
    assert_eq!(line["level"], "INFO");
    assert!(line["timestamp"].as_str().is_some_and(|time| time.ends_with('Z')));
    assert_eq!(line["user_id"], alice.id().to_string());
    assert_eq!(line["function"], "tasks-create");
    assert_eq!((&line["method"], &line["route"]), (&json!("POST"), &json!("/v1/tasks")));
    assert_eq!(line["status"], 201);
    assert!(line["duration_ms"].as_f64().is_some_and(|ms| ms > 0.0));
    assert_eq!(line["cold_start"], true);
    assert_eq!(line["db_round_trips"], 1);
    assert!(line["trace_id"].is_string());
    assert_eq!(line.get("error_code"), None);
    alice.post("/v1/tasks", &json!({"title": "x"})).header("x-request-id", "line-2").send().await;
    assert_eq!(lines_of("line-2")[0]["cold_start"], false);
}

#[tokio::test]
async fn a_refusal_is_logged_with_its_code_and_a_failure_with_its_cause() {
    let app = TestApp::start().await;
    let alice = app.caller(Role::User);
    let refused =
        app.bearing("Bearer x.y.z").get("/v1/tasks/x").header("x-request-id", "refused-1");
    refused.send().await;
    let line = &lines_of("refused-1")[0];
    assert_eq!((&line["level"], &line["error_code"]), (&json!("INFO"), &json!("invalid-token")));
    assert!(line["error_cause"].is_string(), "the reason is for us: {line}");

    app.db.run("ALTER FUNCTION api.create_task_v2 RENAME TO gone").await;
    let failed = alice.post("/v1/tasks", &json!({"title": "x"})).header("x-request-id", "failed-1");
    failed.send().await.expect(500);
    let line = &lines_of("failed-1")[0];
    assert_eq!((&line["level"], &line["error_code"]), (&json!("ERROR"), &json!("internal-error")));
    let cause = line["error_cause"].as_str().unwrap_or_default();
    assert!(cause.contains("tasks.create") && cause.contains("42883"), "{cause}");
}

/// Texts that must appear nowhere, sent through everything that handles them.
#[tokio::test]
async fn nothing_private_reaches_the_log() {
    let app = TestApp::start().await;
    let mut person = Person::new("canary-username", &["user"]);
    person.email = Some("canary-address@example.com".into());
    let alice = app.person(person);
    let body = json!({
        "title": "canary-title", "description": "canary-description", "labels": ["canary-label"],
    });
    let task = alice.post("/v1/tasks", &body).key("k").send().await.expect(201).json();
    alice.get(&path_of(&task)).send().await.expect(200);
    let bad =
        json!({"title": 1, "description": ["canary-description"], "canary-field": "canary-value"});
    alice.post("/v1/tasks", &bad).send().await.expect(422);
    alice.call("POST", "/v1/tasks").json("{\"title\":\"canary-title").send().await.expect(400);
    alice.get("/v1/tasks/canary-path?canary-parameter=canary-value").send().await.expect(422);
    app.bearing("Bearer canary-token").get("/v1/tasks/x").send().await.expect(401);
    app.db.run("ALTER TABLE app.tasks ADD CHECK (title <> 'canary-title') NOT VALID").await;
    app.db.run("DELETE FROM app.idempotency").await;
    alice.post("/v1/tasks", &body).key("k").send().await.expect(500);
    let token = alice.authorization().expect("a token").trim_start_matches("Bearer ").to_owned();
    for text in ["canary", token.as_str(), "eyJ"] {
        assert!(!anything_holds(text), "the log holds {text}");
    }
}
