//! In which order a request is refused, and that a refusal leaves no fence.

use domain::Role;
use serde_json::json;
use testing::{Caller, TestApp};

use crate::own_redis::OwnRedis;
use crate::support::path_of;

async fn log_out(app: &TestApp, caller: &Caller<'_>) {
    let token = app.issuer.mint_logout(caller.person());
    let call = app.anonymous().call("POST", "/oidc/backchannel-logout");
    call.form(&[("logout_token", &token)]).send().await.expect(200);
}

/// Whatever is wrong with it at once: no permission, not JSON, not valid.
fn wrong<'a>(caller: &Caller<'a>) -> testing::Call<'a> {
    caller.post("/v1/tasks", &json!({})).header("content-type", "text/plain")
}

#[tokio::test]
async fn revoked_comes_before_the_limit_and_that_before_rights_and_contents() {
    let redis = OwnRedis::start().await;
    let limits = r#"{"user": "3/3600", "ip": "1000/60"}"#;
    let app = TestApp::with(redis.setup(limits)).await;
    let (viewer, user) = (app.caller(Role::Viewer), app.caller(Role::User));
    wrong(&viewer).send().await.expect_problem("forbidden");
    wrong(&user).send().await.expect_problem("unsupported-media-type");
    user.post("/v1/tasks", &json!({})).send().await.expect_problem("validation-failed");
    for caller in [&viewer, &user] {
        while caller.get("/v1/me").send().await.status() != 429 {}
        wrong(caller).send().await.expect_problem("rate-limited");
        caller.post("/v1/tasks", &json!({})).send().await.expect_problem("rate-limited");
    }
    log_out(&app, &user).await;
    // First the database says so, whom nobody asks for a caller beyond the limit; from then on Redis.
    wrong(&user).send().await.expect_problem("rate-limited");
    let meter = format!("rl:{{u:{}}}", user.id());
    redis.ask::<i64>(&["DEL", &meter]).await;
    wrong(&user).send().await.expect_problem("token-revoked");
    // Now also with a limit that is used up.
    let late = (redis.time().await + 3_600_000_000).to_string();
    redis.ask::<String>(&["SET", &meter, &late, "EX", "3600"]).await;
    wrong(&user).send().await.expect_problem("token-revoked");
    user.patch("/v1/tasks/x", &json!({"title": "x"})).send().await.expect_problem("token-revoked");
}

#[tokio::test]
async fn a_token_that_was_logged_out_is_not_counted() {
    let redis = OwnRedis::start().await;
    let limits = r#"{"user": "100/3600", "ip": "1000/60"}"#;
    let app = TestApp::with(redis.setup(limits)).await;
    let alice = app.caller(Role::User);
    alice.get("/v1/me").send().await.expect(200);
    log_out(&app, &alice).await;
    // Redis learns it from the first answer of the database.
    alice.get("/v1/me").send().await.expect_problem("token-revoked");
    let meter = format!("rl:{{u:{}}}", alice.id());
    let counted: String = redis.ask(&["GET", &meter]).await;
    for call in [alice.get("/v1/me"), alice.get("/v1/tasks"), wrong(&alice)] {
        let reply = call.send().await.expect_problem("token-revoked");
        assert_eq!(reply.header("ratelimit"), None);
    }
    assert_eq!(redis.ask::<String>(&["GET", &meter]).await, counted);
}

#[tokio::test]
async fn a_change_that_is_refused_leaves_no_fence() {
    let redis = OwnRedis::start().await;
    let limits = r#"{"user": "7/3600", "ip": "1000/60"}"#;
    let app = TestApp::with(redis.setup(limits)).await;
    let (alice, bob) = (app.caller(Role::User), app.caller(Role::User));
    bob.get("/v1/me").send().await.expect(200);
    let task = alice.create(&json!({"title": "x", "assignee_id": bob.id()})).await;
    let (path, body) = (path_of(&task), json!({"title": "y"}));
    let nobody = json!({"assignee_id": app.clock.new_id()});
    for (call, code) in [
        (alice.patch(&path, &json!({"title": 1})), "validation-failed"),
        (alice.delete(&path), "forbidden"),
        (bob.patch(&path, &body), "forbidden"),
        (alice.patch(&path, &nobody), "validation-failed"),
        (alice.patch(&path, &body).header("if-match", "\"7\""), "precondition-failed"),
        (bob.patch("/v1/tasks/0197a1b2-0000-7000-8000-000000000001", &body), "task-not-found"),
    ] {
        call.send().await.expect_problem(code);
        assert_eq!(redis.fences().await, Vec::<String>::new(), "{code}");
    }
    while alice.get("/v1/me").send().await.status() != 429 {}
    for call in [alice.patch(&path, &body), alice.post("/v1/tasks", &body)] {
        call.send().await.expect_problem("rate-limited");
        assert_eq!(redis.fences().await, Vec::<String>::new(), "calls too often");
    }
    // What others read of it is cached as before.
    let (first, second) = (bob.get(&path), bob.get(&path));
    for call in [first, second] {
        call.send().await.expect(200);
    }
    let value = format!("v:{{t:{}}}", task["id"].as_str().expect("an id"));
    assert_eq!(redis.ask::<i64>(&["EXISTS", &value]).await, 1);
    log_out(&app, &alice).await;
    redis.ask::<i64>(&["DEL", &format!("rl:{{u:{}}}", alice.id())]).await;
    alice.patch(&path, &body).send().await.expect_problem("token-revoked");
    assert_eq!(redis.fences().await, Vec::<String>::new(), "logged out");
}
