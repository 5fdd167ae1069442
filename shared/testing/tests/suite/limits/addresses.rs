//! Whose limit a call counts against. The windows are so long that nothing comes back meanwhile.

use domain::Role;
use issuer::Person;
use serde_json::json;
use testing::{Call, TestApp};

use crate::own_redis::OwnRedis;

const LIMITS: &str = r#"{"user": "6/3600", "ip": "6/3600"}"#;
const LIMIT: usize = 6;

/// How many of these calls pass, before the first that is refused for its limit.
async fn passed(calls: impl IntoIterator<Item = Call<'_>>) -> usize {
    let mut passed = 0;
    for call in calls {
        if call.send().await.status() == 429 {
            break;
        }
        passed += 1;
    }
    passed
}

#[tokio::test]
async fn a_network_of_the_sixth_version_is_one_caller_and_the_next_is_another() {
    let redis = OwnRedis::start().await;
    let app = TestApp::with(redis.setup(LIMITS)).await;
    let call = |address: &str| app.anonymous().get("/v1/me").from(address);
    let network = |third: &'static str| {
        (0..20).map(move |host| format!("2001:db8:1:{third}:{host:x}:{host}:3:4"))
    };
    assert_eq!(passed(network("2").map(|address| call(&address))).await, LIMIT);
    assert_eq!(passed(network("3").map(|address| call(&address))).await, LIMIT);
    // The same network in other words.
    assert_eq!(passed([call("2001:0DB8:0001:0002::1")]).await, 0);
}

#[tokio::test]
async fn an_address_of_the_fourth_version_is_the_same_in_the_form_of_the_sixth() {
    let redis = OwnRedis::start().await;
    let app = TestApp::with(redis.setup(LIMITS)).await;
    let call = |address: &str| app.anonymous().get("/v1/me").from(address);
    let both = ["203.0.113.9", "::ffff:203.0.113.9", "::ffff:cb00:7109"];
    assert_eq!(passed(both.iter().cycle().take(20).map(|address| call(address))).await, LIMIT);
    // The neighbours are not.
    assert_eq!(passed((0..20).map(|_| call("203.0.113.10"))).await, LIMIT);
    assert_eq!(passed((0..20).map(|_| call("::ffff:203.0.113.11"))).await, LIMIT);
}

#[tokio::test]
async fn what_a_client_says_of_its_address_changes_nothing() {
    let redis = OwnRedis::start().await;
    let app = TestApp::with(redis.setup(LIMITS)).await;
    let names = ["x-forwarded-for", "x-real-ip", "forwarded", "cloudfront-viewer-address"];
    let calls = (0..20).map(|number| {
        let place = format!("192.0.2.{number}");
        names.iter().fold(app.anonymous().get("/v1/me"), |call, name| call.header(name, &place))
    });
    assert_eq!(passed(calls).await, LIMIT);
}

#[tokio::test]
async fn a_bad_token_costs_two_and_is_refused_for_the_limit_first() {
    let redis = OwnRedis::start().await;
    let app = TestApp::with(redis.setup(LIMITS)).await;
    let guess = app.bearing("Bearer x.y.z").get("/v1/me").from("198.51.100.1");
    for remaining in ["4", "2", "0"] {
        let reply = guess.send().await.expect_problem("invalid-token");
        let said = reply.header("ratelimit").expect("a header").to_owned();
        assert!(said.starts_with(&format!("\"ip\";r={remaining};t=")), "{said}");
    }
    let refused = guess.send().await.expect_problem("rate-limited");
    assert_eq!(refused.json()["violated-policies"], json!(["ip"]));
    // So is whoever has no token, and an address that does not exist.
    for call in [app.anonymous().get("/v1/me"), app.anonymous().get("/nowhere")] {
        call.from("198.51.100.1").send().await.expect_problem("rate-limited");
    }
}

#[tokio::test]
async fn a_good_token_never_counts_against_its_address_nor_the_address_against_it() {
    let redis = OwnRedis::start().await;
    let app = TestApp::with(redis.setup(LIMITS)).await;
    let (alice, bob) = (app.caller(Role::User), app.caller(Role::User));
    let mine = || (0..20).map(|_| alice.get("/v1/me").from("198.51.100.2"));
    let strangers = || (0..20).map(|_| app.anonymous().get("/v1/me").from("198.51.100.2"));
    assert_eq!(passed(mine()).await, LIMIT);
    assert_eq!(passed(strangers()).await, LIMIT);
    // A second user there is disturbed by neither.
    assert_eq!(passed((0..20).map(|_| bob.get("/v1/me").from("198.51.100.2"))).await, LIMIT);
}

#[tokio::test]
async fn several_sessions_and_functions_are_one_user() {
    let redis = OwnRedis::start().await;
    let app = TestApp::with(redis.setup(LIMITS)).await;
    let alice = Person::new("alice", &["user"]);
    let callers: Vec<_> = (0..4)
        .map(|_| app.person(Person { sid: Person::new("alice", &[]).sid, ..alice.clone() }))
        .collect();
    let calls = callers.iter().flat_map(|caller| {
        [caller.get("/v1/me"), caller.get("/v1/tasks"), caller.get("/v1/tasks/x")]
    });
    assert_eq!(passed(calls).await, LIMIT);
}

#[tokio::test]
async fn roles_have_limits_of_their_own_and_the_most_generous_counts() {
    let redis = OwnRedis::start().await;
    let limits = r#"{"user": "2/3600", "roles": {"admin": "9/3600", "viewer": "4/3600"}}"#;
    let app = TestApp::with(redis.setup(limits)).await;
    for (roles, limit) in [
        (&["user"][..], 2),
        (&["viewer"], 4),
        (&["viewer", "user"], 4),
        (&["viewer", "admin", "user"], 9),
        (&[], 2),
    ] {
        let caller = app.person(Person::new("somebody", roles));
        let reply = caller.get("/v1/me").send().await;
        let policy = format!("\"user\";q={limit};w=3600");
        assert_eq!(reply.header("ratelimit-policy"), Some(&*policy), "{roles:?}");
        assert_eq!(passed((0..20).map(|_| caller.get("/v1/me"))).await, limit - 1, "{roles:?}");
    }
}
