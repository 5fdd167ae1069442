//! What answers say of limits.

use domain::Role;
use serde_json::json;
use services::free_port;
use testing::{Reply, Setup, TestApp};

use crate::own_redis::OwnRedis;
use crate::support::path_of;

/// One call in so many seconds, where five are allowed in an hour: each call adds as much to the time
/// until all is as before.
const INTERVAL: u32 = 720;

/// What the header says: how many more, and in how many seconds.
#[track_caller]
fn told(reply: &Reply, name: &str) -> (u32, u32) {
    let header = reply.header("ratelimit").unwrap_or_else(|| panic!("no header: {reply:?}"));
    let rest = header.strip_prefix(&format!("\"{name}\";r=")).expect(header);
    let (remaining, seconds) = rest.split_once(";t=").expect(header);
    (remaining.parse().expect(header), seconds.parse().expect(header))
}

#[tokio::test]
async fn every_answer_says_what_the_limit_is_and_what_is_left_of_it() {
    let redis = OwnRedis::start().await;
    let limits = r#"{"user": "100/3600", "ip": "50/1800"}"#;
    let app = TestApp::with(redis.setup(limits)).await;
    let (alice, stranger) = (app.caller(Role::User), app.anonymous());
    let path = path_of(&alice.create(&json!({"title": "x"})).await);
    let body = json!({"title": "y"});
    let calls = [
        (alice.get(&path), 200),
        (alice.get(&path).header("if-none-match", "\"1\""), 304),
        (alice.call("HEAD", &path), 200),
        (alice.post("/v1/tasks", &body), 201),
        (alice.call("POST", "/v1/tasks").json("{"), 400),
        (alice.delete(&path), 403),
        (alice.get("/v1/tasks/x"), 404),
        (alice.patch(&path, &body).header("if-match", "\"7\""), 412),
        (alice.post("/v1/tasks", &body).header("content-type", "text/plain"), 415),
        (alice.post("/v1/tasks", &json!({})), 422),
    ];
    for ((call, status), left) in calls.into_iter().zip((0..99).rev()) {
        let reply = call.send().await.expect(status);
        assert_eq!(reply.header("ratelimit-policy"), Some("\"user\";q=100;w=3600"), "{status}");
        assert_eq!(told(&reply, "user").0, left, "{status}");
        assert_eq!(reply.header("retry-after"), None, "{status}");
    }
    for ((call, status), left) in [
        (stranger.get("/v1/me"), 401),
        (stranger.get("/nowhere"), 404),
        (stranger.call("PUT", "/v1/me"), 405),
    ]
    .into_iter()
    .zip((0..50).rev())
    {
        let reply = call.send().await.expect(status);
        assert_eq!(reply.header("ratelimit-policy"), Some("\"ip\";q=50;w=1800"), "{status}");
        assert_eq!(told(&reply, "ip").0, left, "{status}");
    }

    app.db.run("ALTER FUNCTION api.create_task_v2 RENAME TO gone").await;
    let failed = alice.post("/v1/tasks", &body).send().await.expect(500);
    assert_eq!(told(&failed, "user").0, 88);
}

#[tokio::test]
async fn who_calls_too_often_is_told_when_to_come_back() {
    let redis = OwnRedis::start().await;
    let limits = r#"{"user": "5/3600", "ip": "5/3600"}"#;
    let app = TestApp::with(redis.setup(limits)).await;
    let alice = app.caller(Role::User);
    for (call, name) in [(alice.get("/v1/me"), "user"), (app.anonymous().get("/v1/me"), "ip")] {
        let start = redis.time().await;
        for number in 1..=5 {
            let reply = call.send().await;
            let (remaining, seconds) = told(&reply, name);
            assert_eq!(remaining, 5 - number);
            let elapsed = seconds_since(start, &redis).await;
            let exact = INTERVAL * number;
            assert!((exact - elapsed..=exact).contains(&seconds), "{name} {number}: {seconds}");
        }
        for _ in 0..3 {
            // What is refused does not count: the time gets shorter, not longer.
            let reply = call.send().await.expect_problem("rate-limited");
            let (remaining, seconds) = told(&reply, name);
            let elapsed = seconds_since(start, &redis).await;
            assert_eq!(remaining, 0);
            assert!((INTERVAL - elapsed..=INTERVAL).contains(&seconds), "{name}: {seconds}");
            let retry: u32 =
                reply.header("retry-after").expect("a time").parse().expect("a number");
            assert!(retry >= seconds, "{retry} before {seconds}");
            assert_eq!(reply.json()["violated-policies"], json!([name]));
            assert_eq!(reply.json()["detail"], "Rate limit exceeded. Try again later.");
        }
    }
}

/// Rounded up, and one more for what was rounded at the beginning.
async fn seconds_since(start: u64, redis: &OwnRedis) -> u32 {
    u32::try_from((redis.time().await - start).div_ceil(1_000_000) + 1).expect("seconds")
}

#[tokio::test]
async fn who_comes_back_as_told_is_let_in() {
    let redis = OwnRedis::start().await;
    let app = TestApp::with(redis.setup(r#"{"user": "2/2"}"#)).await;
    let alice = app.caller(Role::User);
    // On a slow machine a call may have come back before the next one is made.
    let mut refused = None;
    for _ in 0..1000 {
        let reply = alice.get("/v1/me").send().await;
        if reply.status() == 429 {
            refused = Some(reply);
            break;
        }
    }
    let refused = refused.expect("more than two calls in two seconds");
    let seconds = refused.header("retry-after").expect("a time").parse().expect("a number");
    tokio::time::sleep(std::time::Duration::from_secs(seconds)).await;
    alice.get("/v1/me").send().await.expect(200);
}

#[tokio::test]
async fn what_is_not_limited_or_not_counted_says_nothing() {
    let redis = OwnRedis::start().await;
    let app = TestApp::with(redis.setup(r#"{"user": "1/3600", "ip": "1/3600"}"#)).await;
    let silent = |reply: &Reply| {
        assert_eq!((reply.header("ratelimit"), reply.header("ratelimit-policy")), (None, None));
    };
    for _ in 0..3 {
        silent(&app.anonymous().get("/health").send().await.expect(200));
    }
    let nobody = free_port().expect("a port");
    let limits = vec![("RATE_LIMITS", r#"{"user": "1/3600", "ip": "1/3600"}"#.to_owned())];
    let setup = Setup { redis_port: Some(nobody), env: limits, ..Setup::default() };
    let app = TestApp::with(setup).await;
    let alice = app.caller(Role::User);
    for _ in 0..3 {
        silent(&alice.get("/v1/me").send().await.expect(200));
        silent(&app.anonymous().get("/v1/me").send().await.expect(401));
    }
}
