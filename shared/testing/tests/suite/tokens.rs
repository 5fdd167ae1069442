//! Tokens through the whole pipeline. What a verifier refuses is proved in `auth`; here it is proved
//! that the pipeline asks it.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clock::Clock;
use domain::Role;
use issuer::Person;
use serde_json::{Value, json};
use testing::{Random, Setup, TestApp, own_issuer};

use crate::support::path_of;

#[tokio::test]
async fn only_an_access_token_for_this_api_is_accepted() {
    let app = TestApp::start().await;
    let person = Person::new("alice", &["user"]);
    let good = app.issuer.claims_of(&person);
    let with = |changes: Value| {
        let mut claims = good.clone();
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims
    };
    let now = app.clock.unix_seconds();
    let none = json!({});
    let body = json!({"title": "x"});
    let sign = |header: &Value, claims: &Value| app.issuer.sign(header, claims);
    let accepted = sign(&none, &good);
    app.bearing(format!("bearer {accepted}")).post("/v1/tasks", &body).send().await.expect(201);

    let cases = [
        ("no signature", sign(&json!({"alg": "none"}), &good)),
        ("signed with the public key as a secret", sign(&json!({"alg": "HS256"}), &good)),
        ("an algorithm that is not allowed", sign(&json!({"alg": "ES256"}), &good)),
        ("an unknown key", sign(&json!({"kid": "nobody"}), &good)),
        ("a critical extension", sign(&json!({"crit": ["exp"]}), &good)),
        ("another issuer", sign(&none, &with(json!({"iss": "https://evil.example.com"})))),
        ("another audience", sign(&none, &with(json!({"aud": "another-api"})))),
        ("no audience", sign(&none, &with(json!({"aud": null})))),
        ("expired", sign(&none, &with(json!({"exp": now - 3600, "iat": now - 7200})))),
        ("not yet", sign(&none, &with(json!({"nbf": now + 3600})))),
        ("an ID token", sign(&none, &app.issuer.id_claims_of(&person))),
        ("a refresh token", sign(&none, &with(json!({"typ": "Refresh"})))),
        ("a logout token", sign(&json!({"typ": "logout+jwt"}), &with(json!({"typ": "Logout"})))),
        ("no session", sign(&none, &with(json!({"sid": null})))),
        ("a subject that is no UUID", sign(&none, &with(json!({"sub": "alice"})))),
        ("cut short", accepted[..accepted.len() - 5].to_owned()),
    ];
    for (what, token) in cases {
        let caller = app.bearing(format!("Bearer {token}"));
        let reply = caller.post("/v1/tasks", &body).send().await;
        assert_eq!(reply.code().as_deref(), Some("invalid-token"), "{what}: {}", reply.text());
    }
    // A token anywhere else is no token.
    let elsewhere = app.anonymous().post(&format!("/v1/tasks?access_token={accepted}"), &body);
    elsewhere.send().await.expect_problem("unauthenticated");
}

#[tokio::test]
async fn a_flood_of_unknown_keys_costs_one_fetch_and_no_good_token() {
    let issuer = own_issuer();
    // The clock stands still: on a slow machine the flood takes longer than the pause between fetches.
    let clock = Some(Clock::stopped());
    let setup = Setup { issuer: Some(issuer.clone()), clock, ..Setup::default() };
    let app = TestApp::with(setup).await;
    let alice = app.caller(Role::User);
    let task = path_of(&alice.create(&json!({"title": "x"})).await);
    alice.get(&task).send().await.expect(200);
    let before = issuer.jwks_fetches();

    let claims = issuer.claims_of(&Person::new("mallory", &["admin"]));
    let template = issuer.sign(&json!({"kid": "K"}), &claims);
    let rest = template.split_once('.').unwrap().1;
    let mut random = Random::seeded(7);
    for n in 0..5000 {
        let header = json!({"alg": "RS256", "typ": "JWT", "kid": format!("k{}", random.next())});
        let token = format!("Bearer {}.{rest}", URL_SAFE_NO_PAD.encode(header.to_string()));
        app.bearing(token).get(&task).send().await.expect_problem("invalid-token");
        if n % 100 == 0 {
            alice.get(&task).send().await.expect(200);
        }
    }
    assert_eq!(issuer.jwks_fetches() - before, 1, "one fetch per 30 s");
    app.clock.advance(Duration::from_secs(31));
    app.bearing(format!("Bearer {template}")).get(&task).send().await.expect(401);
    app.bearing(format!("Bearer {template}")).get(&task).send().await.expect(401);
    assert_eq!(issuer.jwks_fetches() - before, 2);
    alice.get(&task).send().await.expect(200);
}

#[tokio::test]
async fn keys_rotate_without_a_restart() {
    let issuer = own_issuer();
    let app = TestApp::with(Setup { issuer: Some(issuer.clone()), ..Setup::default() }).await;
    let (old, task) = (app.caller(Role::User), json!({"title": "x"}));
    old.create(&task).await;
    issuer.rotate();
    app.caller(Role::User).create(&task).await;
    // Tokens of the old key are good until they expire, as long as the issuer shows the key.
    old.create(&task).await;
    issuer.retire();
    app.clock.advance(Duration::from_secs(31));
    app.caller(Role::User).create(&task).await;
}

#[tokio::test]
async fn a_cold_start_during_an_outage_takes_the_keys_from_the_shelf() {
    let issuer = own_issuer();
    let app = TestApp::with(Setup { issuer: Some(issuer.clone()), ..Setup::default() }).await;
    let alice = app.caller(Role::User);
    let task = path_of(&alice.create(&json!({"title": "x"})).await);
    let kept = "SELECT count(*) FROM app.jwks";
    for _ in 0..100 {
        if app.db.count(kept, &[]).await > 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(app.db.count(kept, &[]).await, 1, "the writer keeps the keys");
    issuer.set_answering(false);
    // Warm functions do not notice, cold ones find the keys beside the data.
    alice.create(&json!({"title": "y"})).await;
    app.restart();
    alice.create(&json!({"title": "z"})).await;
    alice.get(&task).send().await.expect(200);
    // Without either there is no telling who is who: 503, and never 401.
    app.db.run("DELETE FROM app.jwks").await;
    app.restart();
    alice.get(&task).send().await.expect_problem("auth-unavailable");
    issuer.set_answering(true);
    app.clock.advance(Duration::from_secs(5));
    alice.get(&task).send().await.expect(200);
}

#[tokio::test]
async fn other_algorithms_count_where_they_are_configured() {
    let person = Person::new("alice", &["user"]);
    let body = json!({"title": "x"});
    let issuer = own_issuer();
    issuer.add_key(issuer::Alg::Es256);
    issuer.add_key(issuer::Alg::Ps256);
    let env = vec![("AUTH_ALGORITHMS", "ES256, PS256".to_owned())];
    let app = TestApp::with(Setup { issuer: Some(issuer.clone()), env, ..Setup::default() }).await;
    for (alg, status) in [("ES256", 201), ("PS256", 201), ("RS256", 401)] {
        let token = issuer.sign(&json!({"alg": alg}), &issuer.claims_of(&person));
        let call = app.bearing(format!("Bearer {token}")).post("/v1/tasks", &body);
        call.send().await.expect(status);
    }
}
