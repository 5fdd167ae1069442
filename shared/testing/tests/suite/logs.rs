//! What the log says of a request, and what it never says.

use config::defaults::{BREAKER_FIRST_PAUSE, REDIS_FAILURES};
use domain::Role;
use issuer::Person;
use serde_json::{Value, json};
use testing::{Call, Proxy, Setup, TestApp, anything_holds, lines_of};

use crate::own_redis::OwnRedis;
use crate::support::{id_of, path_of};

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

/// The line of one call.
async fn line_of(call: Call<'_>) -> Value {
    let reply = call.send().await;
    let mut lines = lines_of(reply.header("x-request-id").expect("an id"));
    assert_eq!(lines.len(), 1, "{lines:?}");
    lines.remove(0)
}

#[tokio::test]
async fn a_line_says_what_the_cache_did() {
    let redis = OwnRedis::start().await;
    let setup = Setup { redis_port: Some(redis.port()), ..Setup::default() };
    let app = TestApp::with(setup).await;
    let alice = app.caller(Role::User);
    let task = alice.create(&json!({"title": "x"})).await;
    let (path, id) = (path_of(&task), id_of(&task));
    let value = format!("v:{{t:{id}}}");
    let said = async |call: Call<'_>| line_of(call).await["cache"].clone();
    let mut all = Vec::new();
    for (call, cache) in [
        (alice.get(&path), json!("miss")),
        (alice.get(&path), json!("hit")),
        (alice.get(&path).header("if-none-match", "\"1\""), json!("hit")),
        (alice.get("/v1/tasks"), json!("miss")),
        (alice.get("/v1/tasks"), json!("hit")),
        (app.caller(Role::Viewer).get(&path), json!("unused")),
        // What is not cached is not in the ratio.
        (alice.get("/v1/tasks?q=x"), Value::Null),
        (alice.get("/v1/me"), Value::Null),
        (alice.get("/v1/tasks?scope=all"), Value::Null),
        (alice.patch(&path, &json!({"title": "y"})), Value::Null),
        (app.anonymous().get(&path), Value::Null),
    ] {
        let line = line_of(call).await;
        assert_eq!(line["cache"], cache, "{line}");
        for name in ["redis_failed", "redis_skipped", "limit_bypassed"] {
            assert_eq!(line.get(name), None, "{line}");
        }
        assert!(line["redis_round_trips"].as_u64().is_some_and(|trips| trips >= 1), "{line}");
        all.push(line);
    }
    let hits = all.iter().filter(|line| line["cache"] == "hit").count();
    let asked = all.iter().filter(|line| line["cache"].is_string()).count();
    assert_eq!((hits, asked), (3, 6), "the hit ratio");

    let lie = r#"{"schema":1,"name":"{t:another}/task","value":{}}"#;
    for text in ["{}", lie] {
        redis.ask::<i64>(&["HSET", &value, "task", text]).await;
        assert_eq!(said(alice.get(&path)).await, "poisoned");
        assert_eq!(said(alice.get(&path)).await, "hit", "it was mended");
    }
    let far = (redis.time().await / 1000 + 60_000).to_string();
    redis.ask::<i64>(&["ZADD", &format!("f:{{t:{id}}}"), &far, "somebody"]).await;
    assert_eq!(said(alice.get(&path)).await, "fenced");
}

#[tokio::test]
async fn a_line_says_that_redis_failed_or_was_left_alone() {
    let redis = OwnRedis::start().await;
    let proxy = Proxy::before(redis.port(), 0).await;
    let clock = clock::Clock::stopped();
    let setup =
        Setup { redis_port: Some(proxy.port()), clock: Some(clock.clone()), ..Setup::default() };
    let app = TestApp::with(setup).await;
    let alice = app.caller(Role::User);
    let path = path_of(&alice.create(&json!({"title": "x"})).await);
    alice.get(&path).send().await.expect(200);

    proxy.refuse(true);
    let mut failed = 0;
    let mut tries = 0;
    let line = loop {
        let line = line_of(alice.get(&path)).await;
        assert_eq!(
            (&line["status"], &line["limit_bypassed"]),
            (&json!(200), &json!(true)),
            "{line}"
        );
        assert_eq!((&line["cache"], &line["db_round_trips"]), (&json!("unknown"), &json!(1)));
        if line["redis_skipped"].is_number() {
            break line;
        }
        failed += line["redis_failed"].as_u64().expect("a failure, or nothing was tried");
        tries += 1;
        assert!(tries <= REDIS_FAILURES, "it is not left alone");
    };
    assert!(failed >= 1);
    // It was not even asked.
    assert_eq!((&line["redis_round_trips"], line.get("redis_failed")), (&json!(0), None), "{line}");
    let line = line_of(alice.patch(&path, &json!({"title": "y"}))).await;
    assert_eq!((&line["status"], &line["limit_bypassed"]), (&json!(200), &json!(true)), "{line}");

    proxy.refuse(false);
    clock.advance(BREAKER_FIRST_PAUSE * 2);
    let line = line_of(alice.get(&path)).await;
    for name in ["redis_failed", "redis_skipped", "limit_bypassed"] {
        assert_eq!(line.get(name), None, "{line}");
    }
}

/// Keys are seen by whoever looks at Redis, and are in its slow log.
#[tokio::test]
async fn nothing_private_is_in_the_name_of_a_key_or_in_a_line() {
    let redis = OwnRedis::start().await;
    let setup = Setup { redis_port: Some(redis.port()), ..Setup::default() };
    let app = TestApp::with(setup).await;
    let alice = app.person(Person::new("private-username", &["user"]));
    let session = alice.person().sid.map(|sid| sid.to_string());
    let labels = json!(["private-label"]);
    let task = alice.create(&json!({"title": "private-title", "labels": labels})).await;
    let path = path_of(&task);
    alice.patch(&path, &json!({"title": "private-title too"})).send().await.expect(200);
    for address in
        [path.as_str(), "/v1/tasks", "/v1/tasks?label=private-label", "/v1/tasks?q=private-title"]
    {
        for _ in 0..2 {
            alice.get(address).send().await.expect(200);
        }
    }
    app.bearing("Bearer private-token").get(&path).send().await.expect(401);
    let token = alice.authorization().expect("a token").trim_start_matches("Bearer ").to_owned();
    let logout = app.issuer.mint_logout(alice.person());
    let call = app.anonymous().call("POST", "/oidc/backchannel-logout");
    call.form(&[("logout_token", &logout)]).send().await.expect(200);
    for _ in 0..2 {
        alice.get(&path).send().await.expect_problem("token-revoked");
    }

    let keys = redis.keys().await;
    let mut names = keys.clone();
    for key in keys.iter().filter(|key| key.starts_with("l:") || key.starts_with("v:")) {
        names.extend(redis.ask::<Vec<String>>(&["HKEYS", key]).await);
    }
    assert!(names.len() >= 8, "{names:?}");
    let private = ["private", token.as_str(), "eyJ"];
    for text in private.into_iter().chain(session.as_deref()) {
        assert!(!names.iter().any(|name| name.contains(text)), "a key holds {text}: {names:?}");
        assert!(!anything_holds(text), "the log holds {text}");
    }
}
