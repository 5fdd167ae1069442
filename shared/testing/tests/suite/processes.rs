//! The binaries that deploy, as processes.

use std::time::Duration;

use config::Env;
use domain::Role;
use futures_util::future::join_all;
use serde_json::{Value, json};
use testing::{Fleet, TestApp};

use crate::cases::{RouteCases, success_of};

#[tokio::test]
async fn a_process_answers_and_writes_one_json_line_per_request() {
    let app = TestApp::start().await;
    let alice = app.caller(Role::User);
    let fleet = Fleet::start("tasks-create", &app.env_of("tasks-create"), 1);
    let event =
        alice.post("/v1/tasks", &json!({"title": "canary"})).header("x-request-id", "p-1").event;
    let reply = fleet.answer(&event).await.expect("an answer").expect(201);
    assert_eq!(reply.json()["title"], "canary");
    fleet.answer(&event).await.expect("an answer").expect(201);
    for line in two_lines(&fleet, "p-1").await {
        assert_eq!(line["status"], 201);
    }
    // Whatever else it has to say is JSON too, and keeps the secret.
    for line in fleet.output() {
        assert!(json_of(&line).is_object(), "{line}");
        assert!(!line.contains("canary"), "{line}");
    }
}

/// The lines of a request id that was used twice. They come through a pipe, so they may be late.
async fn two_lines(fleet: &Fleet, request_id: &str) -> Vec<Value> {
    let mut lines = Vec::new();
    for _ in 0..200 {
        lines = fleet.output().iter().map(|line| json_of(line)).collect();
        lines.retain(|line| line["request_id"] == request_id);
        if lines.len() >= 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    assert_eq!(lines.len(), 2, "{:?}", fleet.output());
    lines
}

fn json_of(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))
}

#[tokio::test]
async fn every_function_starts_as_a_process_and_answers() {
    let app = TestApp::start().await;
    let admin = app.caller(Role::Admin);
    for entry in app.entries() {
        let name = entry.spec.name;
        let fleet = Fleet::start(name, &app.env_of(name), 1);
        let id = RouteCases::of(entry).make(&app, app.clock.new_id()).await;
        let call = RouteCases::of(entry).call(&admin, entry.spec.path, id);
        let reply = fleet.answer(&call.event).await.expect("an answer");
        assert_eq!(reply.status(), success_of(entry), "{name}: {}", reply.text());
    }
}

#[tokio::test]
async fn a_payload_that_is_no_event_is_a_problem_and_not_the_end() {
    let app = TestApp::start().await;
    let fleet = Fleet::start("tasks-create", &app.env_of("tasks-create"), 1);
    let nulls =
        r#"{"version": null, "rawQueryString": null, "requestContext": null, "headers": null}"#;
    for payload in [nulls, "[]", "\"x\"", "null"] {
        let reply = fleet.answer_raw(payload).await;
        let reply = reply.unwrap_or_else(|error| panic!("{payload}: {error}"));
        reply.expect_problem("internal-error").expect(500);
    }
    let good = app.caller(Role::User).post("/v1/tasks", &json!({"title": "x"})).event;
    fleet.answer(&good).await.expect("an answer").expect(201);
}

#[tokio::test]
async fn two_hundred_calls_at_once_are_shared_by_the_processes() {
    let app = TestApp::start().await;
    let alice = app.caller(Role::User);
    let fleet = Fleet::start("tasks-create", &app.env_of("tasks-create"), 3);
    let event = alice.post("/v1/tasks", &json!({"title": "x"})).event;
    let replies = join_all((0..200).map(|_| fleet.answer(&event))).await;
    assert!(replies.into_iter().all(|reply| reply.is_ok_and(|reply| reply.status() == 201)));
    assert_eq!(app.db.count("SELECT count(*) FROM app.tasks", &[]).await, 200);
    assert_eq!(fleet.deaths(), 0);
}

#[tokio::test]
async fn a_missing_or_wrong_setting_stops_the_start_with_one_line_that_names_it() {
    let app = TestApp::start().await;
    let good = app.env_of("tasks-create").with("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9");
    let no_pem = services::checkout().join("Cargo.toml").display().to_string();
    for (name, value) in [
        ("STAGE", ""),
        ("STAGE", "moon"),
        ("PUBLIC_URL", ""),
        ("AUTH_ISSUER", ""),
        ("AUTH_AUDIENCES", ""),
        ("AUTH_ALGORITHMS", "HS256"),
        ("AUTH_CA_FILE", no_pem.as_str()),
        ("ROLE_PERMISSIONS", "{\"user\":[\"tasks:fly\"]}"),
        ("DATABASE_URL", ""),
        ("DATABASE_URL", "postgres://user:secret@localhost/x"),
        ("DATABASE_CREDENTIALS_ARN", ""),
        ("DATABASE_CA_FILE", "/nowhere/ca.pem"),
        ("LOG_LEVEL", "loud"),
        ("AWS_LAMBDA_RUNTIME_API", ""),
    ] {
        let words = refused_start(&good.clone().with(name, value)).await;
        assert!(words.contains(name.trim_end_matches("_ARN")), "{name}={value}: {words}");
        assert!(!words.contains("secret@"), "{words}");
    }
}

#[tokio::test]
async fn keys_over_plain_http_stop_the_start_outside_this_machine() {
    let app = TestApp::start().await;
    let outside = app
        .env_of("tasks-create")
        .with("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9")
        .with("STAGE", "production");
    let words = refused_start(&outside).await;
    let named = ["AUTH_ISSUER", "AUTH_JWKS_URL"].iter().any(|name| words.contains(name));
    assert!(named && words.contains("https"), "{words}");

    let keys = outside
        .with("AUTH_ISSUER", "https://issuer.example.com/realms/task-manager")
        .with("AUTH_JWKS_URL", "http://issuer.example.com/certs");
    let words = refused_start(&keys).await;
    assert!(words.contains("AUTH_JWKS_URL") && words.contains("https"), "{words}");
}

/// The one line with which `tasks-create` refuses to start.
async fn refused_start(env: &Env) -> String {
    let (succeeded, words) = Fleet::run_to_end("tasks-create", env).await;
    assert!(!succeeded, "it started: {words}");
    assert_eq!(words.trim_end().lines().count(), 1, "{words}");
    words
}
