//! What tests of other crates do with the handle.

use super::{ISSUER, claims, fetch, part, send, sign_in, start, verify, verify_for};
use crate::{Alg, Person, StartError};
use http::{Request, StatusCode};
use http_body_util::Full;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};

fn kids(jwks: &Value, usage: &str) -> Vec<String> {
    let keys = jwks["keys"].as_array().unwrap().iter();
    keys.filter(|key| key["use"] == usage)
        .map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_rotated_key_verifies_until_it_is_retired() {
    let issuer = start();
    let ann = Person::new("ann", &["user"]);
    let old = issuer.mint(&ann);
    let answer = send(
        Request::post(issuer.url().replace("realms/task-manager", "dev/rotate"))
            .body(Full::default())
            .unwrap(),
    )
    .await;
    let new = issuer.mint(&ann);
    assert_eq!(part(&new, 0)["kid"], answer.text("kid"));
    assert_ne!(part(&old, 0)["kid"], part(&new, 0)["kid"]);
    assert!(verify(&issuer, &old).await.is_some() && verify(&issuer, &new).await.is_some());
    issuer.rotate();
    assert_eq!(kids(&issuer.jwks_json(), "sig").len(), 3);
    issuer.retire();
    assert_eq!(kids(&issuer.jwks_json(), "sig").len(), 1);
    assert!(verify(&issuer, &old).await.is_none() && verify(&issuer, &new).await.is_none());
    assert!(verify(&issuer, &issuer.mint(&ann)).await.is_some());
}

#[tokio::test]
async fn the_jwks_is_public_and_has_a_key_that_is_not_for_signatures() {
    let jwks = fetch(&ISSUER.jwks_url()).await.body;
    for key in jwks["keys"].as_array().unwrap() {
        for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
            assert!(key.get(private).is_none(), "{private} is in the JWKS");
        }
        assert!(key["kid"].is_string() && key["alg"].is_string() && key["kty"].is_string());
    }
    assert_eq!(kids(&jwks, "enc").len(), 1);
}

#[tokio::test]
async fn other_algorithms_have_keys_of_their_own() {
    let issuer = start();
    issuer.add_key(Alg::Es256);
    let claims = issuer.claims_of(&Person::new("ann", &[]));
    for alg in ["RS256", "PS256", "ES256"] {
        let token = issuer.sign(&json!({ "alg": alg }), &claims);
        assert_eq!(verify(&issuer, &token).await, Some(claims.clone()), "{alg}");
    }
    issuer.rotate();
    issuer.retire();
    assert_eq!(kids(&issuer.jwks_json(), "sig").len(), 3, "one current key for each");
}

#[tokio::test]
async fn an_outage_answers_503_and_is_counted() {
    let issuer = start();
    issuer.set_answering(false);
    assert_eq!(fetch(&issuer.jwks_url()).await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(sign_in(&issuer, "alice", "").await.status, StatusCode::SERVICE_UNAVAILABLE);
    issuer.set_answering(true);
    assert_eq!(fetch(&issuer.jwks_url()).await.status, StatusCode::OK);
    assert_eq!(sign_in(&issuer, "alice", "").await.status, StatusCode::OK);
    assert_eq!(issuer.jwks_fetches(), 2);
}

#[tokio::test]
async fn minted_and_issued_tokens_have_the_same_claims() {
    let issued = sign_in(&ISSUER, "alice", "scope=tasks:read").await.claims();
    let person = Person { scope: "tasks:read".into(), ..Person::new("ann", &["user"]) };
    let minted = verify(&ISSUER, &ISSUER.mint(&person)).await.unwrap();
    let names = |claims: &Value| claims.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&minted), names(&issued));
    assert_eq!(minted["scope"], issued["scope"]);
    assert_eq!(minted["sub"], person.sub.to_string());
    let service = claims(&ISSUER.mint(&Person::service("task-worker", &["user"])));
    assert_eq!(service["client_id"], "task-worker");
    assert!(service.get("sid").is_none() && service.get("email").is_none());
}

#[tokio::test]
async fn logout_tokens_can_be_made_and_are_no_access_tokens() {
    let ann = Person::new("ann", &["user"]);
    let token = ISSUER.mint_logout(&ann);
    assert_eq!(part(&token, 0)["typ"], "logout+jwt");
    let minted = verify_for(&ISSUER, &token, "fastapi-backend").await.unwrap();
    assert_eq!(minted["typ"], "Logout");
    assert_eq!((&minted["sub"], &minted["sid"]), (&json!(ann.sub), &json!(ann.sid)));
    assert_eq!(verify(&ISSUER, &token).await, None, "its audience is the client");
    assert_ne!(ISSUER.logout_claims_of(&ann)["jti"], minted["jti"]);

    let old = ISSUER.logout_claims_of(&Person { issued_in: -3600, ..ann.clone() });
    assert_eq!(old["exp"].as_i64().unwrap() - old["iat"].as_i64().unwrap(), 120);
    assert!(minted["iat"].as_i64().unwrap() - old["iat"].as_i64().unwrap() >= 3600);
    let elsewhere = Person { client: "someone-elses-app".into(), ..ann };
    let claims = ISSUER.logout_claims_of(&elsewhere);
    assert_eq!(claims["aud"], "someone-elses-app");
    assert!(claims.get("sid").is_none(), "the realm does not say that it wants the session");
}

#[test]
fn roles_at_a_client_make_it_an_audience() {
    let mut ann = Person::new("ann", &[]);
    ann.client_roles.insert("task-api".into(), vec!["viewer".into()]);
    ann.client_roles.insert("account".into(), vec!["view-profile".into()]);
    let claims = ISSUER.claims_of(&ann);
    assert_eq!(claims["aud"], json!(["task-api", "account"]));
    assert_eq!(claims["resource_access"]["task-api"]["roles"], json!(["viewer"]));
    assert!(claims.get("realm_access").is_none());
}

#[tokio::test]
async fn tokens_that_an_api_must_refuse_can_be_made() {
    let ann = Person::new("ann", &["user"]);
    let expired = ISSUER.mint(&Person { issued_in: -3600, ..ann.clone() });
    assert_eq!(verify(&ISSUER, &expired).await, None);
    let elsewhere = Person { client: "someone-elses-app".into(), ..ann.clone() };
    assert!(ISSUER.claims_of(&elsewhere).get("aud").is_none(), "no audience mapper, no audience");
    assert_eq!(ISSUER.id_claims_of(&ann)["typ"], "ID");

    let claims = ISSUER.claims_of(&ann);
    let bare = ISSUER.sign(&json!({ "kid": null, "typ": null, "crit": ["x"] }), &claims);
    assert_eq!(part(&bare, 0), json!({ "alg": "RS256", "crit": ["x"] }));
    assert!(ISSUER.sign(&json!({ "alg": "none" }), &claims).ends_with('.'));
    let confused = ISSUER.sign(&json!({ "alg": "HS256" }), &claims);
    let pem = DecodingKey::from_secret(ISSUER.public_pem().as_bytes());
    let mut rules = Validation::new(Algorithm::HS256);
    rules.validate_aud = false;
    assert!(jsonwebtoken::decode::<Value>(&confused, &pem, &rules).is_ok());
    assert!(DecodingKey::from_rsa_pem(ISSUER.public_pem().as_bytes()).is_ok());
    assert_eq!(verify(&ISSUER, &confused).await, None);
}

#[test]
fn it_works_without_a_runtime_of_the_callers() {
    let claims = claims(&start().mint(&Person::new("ann", &["admin"])));
    assert_eq!(claims["realm_access"]["roles"], json!(["admin"]));
}

#[test]
fn it_listens_on_loopback_only() {
    let realm = crate::Realm::read(super::EXPORT).unwrap();
    let everywhere = "0.0.0.0:0".parse().unwrap();
    assert!(matches!(crate::Issuer::start(realm, everywhere), Err(StartError::NotLoopback(_))));
}
