//! What the tests share: settings, claims, and tokens of every kind.

mod bearer;
mod confusion;
mod good;
mod issuer;
mod keys;
mod log;
mod logout;
mod mutations;
mod outage;
mod overdue;
mod refusals;
mod rotation;
mod shelf;
mod signer;
mod state;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use clock::Clock;
use domain::RoleMap;
use serde_json::{Value, json};

use self::signer::{RSA, Signer};
use crate::{Alg, KeySet, KeyShelf, Refusal, Settings, Verifier};

/// The time in tests that need no clock.
const NOW: i64 = 1_800_000_000;
/// Longer than anything takes, however busy the machine is.
const LONG: Duration = Duration::from_mins(1);
const ISSUER: &str = "https://id.example.com/realms/task-manager";
const SUB: &str = "0197a5b0-7c1e-4f6a-9b1d-3f5b8c2d4e6f";

fn settings() -> Settings {
    Settings {
        issuer: ISSUER.to_owned(),
        jwks_url: format!("{ISSUER}/protocol/openid-connect/certs"),
        audiences: vec!["task-api".to_owned(), "fastapi-backend".to_owned()],
        authorized_parties: Vec::new(),
        logout_audiences: vec!["fastapi-backend".to_owned(), "task-web".to_owned()],
        plain_logout_type: false,
        logout_ends_all: false,
        algorithms: vec![Alg::Rs256],
        role_clients: vec!["task-api".to_owned()],
        role_map: RoleMap::default(),
        http_allowed: false,
        ca_pem: None,
    }
}

fn all_algorithms() -> Settings {
    Settings { algorithms: Alg::ALL.to_vec(), ..settings() }
}

/// The header that Keycloak writes.
fn header(alg: &str, kid: &str) -> Value {
    json!({"alg": alg, "typ": "JWT", "kid": kid})
}

/// The claims of a person's access token that Keycloak writes.
fn claims(now: i64) -> Value {
    json!({
        "exp": now + 300,
        "iat": now,
        "auth_time": now - 10,
        "jti": "onrtro:8a7e6c1d-93a8-4a31-9a0f-4a1d7f1f1f10",
        "iss": ISSUER,
        "aud": ["account", "task-api"],
        "sub": SUB,
        "typ": "Bearer",
        "azp": "task-web",
        "sid": "b7e1c2d3-0a4f-4c55-8f0e-2d6a9b8c7d6e",
        "acr": "1",
        "realm_access": {"roles": ["offline_access", "user"]},
        "resource_access": {"account": {"roles": ["manage-account", "admin"]}},
        "scope": "openid profile email",
        "email_verified": true,
        "name": "Alice Example",
        "preferred_username": "alice",
        "email": "alice@example.com",
    })
}

/// The claims of a client that acts for itself.
fn service_claims(now: i64) -> Value {
    let mut claims = claims(now);
    without(&mut claims, "sid");
    claims["preferred_username"] = json!("service-account-task-worker");
    claims["client_id"] = json!("task-worker");
    claims["azp"] = json!("task-worker");
    claims
}

/// The header of a logout token that Keycloak writes.
fn logout_header(alg: &str, kid: &str) -> Value {
    json!({"alg": alg, "typ": "logout+jwt", "kid": kid})
}

/// The claims of a logout token that Keycloak writes.
fn logout_claims(now: i64) -> Value {
    json!({
        "exp": now + 120,
        "iat": now,
        "jti": "Sf1hZ6uOMvqPyZDgYyq_8Q",
        "iss": ISSUER,
        "aud": "task-web",
        "sub": SUB,
        "typ": "Logout",
        "sid": "b7e1c2d3-0a4f-4c55-8f0e-2d6a9b8c7d6e",
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    })
}

fn without(object: &mut Value, name: &str) {
    object.as_object_mut().unwrap().remove(name).unwrap();
}

/// A good token of the usual key.
fn good(now: i64) -> String {
    RSA.token("RS256", &claims(now))
}

fn key_set(signers: &[&Signer]) -> KeySet {
    KeySet::read(jwks(signers).as_bytes(), &Alg::ALL).unwrap()
}

fn jwks(signers: &[&Signer]) -> String {
    let keys: Vec<Value> = signers.iter().map(|signer| signer.jwk()).collect();
    json!({ "keys": keys }).to_string()
}

/// Asks a verifier as a client would.
async fn ask(verifier: &Verifier, token: &str) -> Result<(), Refusal> {
    verifier.verify(&[&format!("Bearer {token}")]).await.map(|_| ())
}

/// Settings for the keys at an address.
fn settings_for(address: &str) -> Settings {
    Settings { jwks_url: address.to_owned(), http_allowed: true, ..settings() }
}

/// A verifier for the keys at an address.
fn verifier(address: &str, clock: &Clock) -> Verifier {
    patient(settings_for(address), clock, None)
}

/// A verifier whose fetches do not fail because the machine is slow.
fn patient(settings: Settings, clock: &Clock, shelf: Option<Arc<dyn KeyShelf>>) -> Verifier {
    Verifier::with_patience(LONG, settings, clock.clone(), shelf).unwrap()
}

/// Waits until something in the background has happened.
async fn eventually(what: &str, happened: impl Fn() -> bool) {
    let waiting = async {
        while !happened() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let in_time = tokio::time::timeout(LONG, waiting).await;
    assert!(in_time.is_ok(), "never happened: {what}");
}
