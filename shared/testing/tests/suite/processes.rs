//! The binaries that deploy, as processes.

use config::Env;
use domain::Role;
use futures_util::future::join_all;
use serde_json::{Value, json};
use testing::{Fleet, TestApp};

#[tokio::test]
async fn a_process_answers_and_writes_one_json_line_per_request() {
    let app = TestApp::start().await;
    let alice = app.caller(Role::User);
    let fleet = Fleet::start("tasks-create", &app.env_of("tasks-create"), 1).await;
    let event =
        alice.post("/v1/tasks", &json!({"title": "canary"})).header("x-request-id", "p-1").event;
    let reply = fleet.answer(&event).await.expect("an answer").expect(201);
    assert_eq!(reply.json()["title"], "canary");
    fleet.answer(&event).await.expect("an answer").expect(201);
    let output = fleet.output();
    assert_eq!(output.len(), 2, "{output:?}");
    for line in output {
        let line: Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!((&line["request_id"], &line["status"]), (&json!("p-1"), &json!(201)));
        assert!(!line.to_string().contains("canary"));
    }
}

#[tokio::test]
async fn every_function_starts_as_a_process_and_answers() {
    let app = TestApp::start().await;
    let admin = app.caller(Role::Admin);
    for entry in app.entries() {
        let name = entry.spec.name;
        let fleet = Fleet::start(name, &app.env_of(name), 1).await;
        let call = match name {
            "tasks-create" => admin.post("/v1/tasks", &json!({"title": "x"})),
            "not-found" => admin.get("/nowhere"),
            _ => admin.get(&entry.spec.path.replace("{id}", &app.clock.new_id().to_string())),
        };
        let reply = fleet.answer(&call.event).await.expect("an answer");
        assert!([200, 201, 404].contains(&reply.status()), "{name}: {}", reply.text());
    }
}

#[tokio::test]
async fn two_hundred_calls_at_once_are_shared_by_the_processes() {
    let app = TestApp::start().await;
    let alice = app.caller(Role::User);
    let mut fleet = Fleet::start("tasks-create", &app.env_of("tasks-create"), 3).await;
    let event = alice.post("/v1/tasks", &json!({"title": "x"})).event;
    let replies = join_all((0..200).map(|_| fleet.answer(&event))).await;
    assert!(replies.into_iter().all(|reply| reply.is_ok_and(|reply| reply.status() == 201)));
    assert_eq!(app.db.count("SELECT count(*) FROM app.tasks", &[]).await, 200);
    assert_eq!(fleet.running(), 3);
}

#[tokio::test]
async fn a_missing_or_wrong_setting_stops_the_start_with_one_line_that_names_it() {
    let app = TestApp::start().await;
    let good = app.env_of("tasks-create").with("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9");
    for (name, value) in [
        ("STAGE", ""),
        ("STAGE", "moon"),
        ("PUBLIC_URL", ""),
        ("AUTH_ISSUER", ""),
        ("AUTH_AUDIENCES", ""),
        ("AUTH_ALGORITHMS", "HS256"),
        ("ROLE_PERMISSIONS", "{\"user\":[\"tasks:fly\"]}"),
        ("DATABASE_URL", ""),
        ("DATABASE_URL", "postgres://user:secret@localhost/x"),
        ("DATABASE_CREDENTIALS_ARN", ""),
        ("DATABASE_CA_FILE", "/nowhere/ca.pem"),
        ("LOG_LEVEL", "loud"),
        ("AWS_LAMBDA_RUNTIME_API", ""),
    ] {
        let (succeeded, words) =
            Fleet::run_to_end("tasks-create", &good.clone().with(name, value)).await;
        assert!(!succeeded, "{name}={value} did not stop the start");
        assert_eq!(words.trim_end().lines().count(), 1, "{name}: {words}");
        let named = name.trim_end_matches("_ARN");
        assert!(words.contains(named), "{name}: {words}");
        assert!(!words.contains("secret@"), "{words}");
    }
    let outside = Env::of(good.pairs()).with("STAGE", "production");
    let (succeeded, words) = Fleet::run_to_end("tasks-create", &outside).await;
    assert!(!succeeded && words.contains("https"), "keys over plain HTTP: {words}");
}
