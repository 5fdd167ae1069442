//! The grants, and the tokens they give.

use std::collections::BTreeSet;

use super::{BACKEND, ISSUER, WORKER, claims, fetch, form, part, send, sign_in, token, verify};
use http::StatusCode;
use serde_json::{Value, json};

fn names(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn a_password_gives_keycloaks_access_token() {
    let answer = sign_in(&ISSUER, "alice", "").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert_eq!(answer.body["expires_in"], 300);
    assert_eq!(answer.body["refresh_expires_in"], 1800);
    assert_eq!(answer.body["token_type"], "Bearer");
    assert!(answer.body.get("id_token").is_none(), "nobody asked for openid");

    let token = answer.text("access_token");
    let header = part(token, 0);
    assert_eq!(names(&header), BTreeSet::from(["alg", "kid", "typ"]));
    assert_eq!((&header["alg"], &header["typ"]), (&json!("RS256"), &json!("JWT")));

    // The names real Keycloak 25 and 26 give for this export; 24 has `session_state` beside `sid`.
    let claims = verify(&ISSUER, token).await.unwrap();
    let expected = "acr aud azp email email_verified exp family_name given_name iat iss jti name \
                    preferred_username realm_access scope sid sub typ";
    assert_eq!(names(&claims), expected.split_whitespace().collect());
    assert_eq!(claims["aud"], "task-api");
    assert_eq!(claims["azp"], "fastapi-backend");
    assert_eq!(claims["email"], "alice@example.com");
    assert_eq!(claims["name"], "Alice Archer");
    assert_eq!(claims["preferred_username"], "alice");
    assert_eq!(claims["realm_access"], json!({ "roles": ["user"] }));
    assert_eq!(claims["scope"], "profile email");
    assert_eq!(claims["sid"], answer.body["session_state"]);
    assert_eq!(claims["sub"], "7a5c0000-0000-4000-8000-000000000001");
    assert_eq!(claims["typ"], "Bearer");
    let life = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
    assert_eq!(life, 300);
}

#[tokio::test]
async fn people_sign_in_by_address_and_in_any_case() {
    for name in ["alice%40example.com", "ALICE"] {
        let fields = format!("{BACKEND} grant_type=password username={name} password=alice");
        assert_eq!(token(&ISSUER, &fields).await.claims()["preferred_username"], "alice");
    }
}

#[tokio::test]
async fn a_person_without_roles_has_no_roles_claim() {
    let claims = sign_in(&ISSUER, "nora", "").await.claims();
    assert!(claims.get("realm_access").is_none() && claims.get("resource_access").is_none());
}

#[tokio::test]
async fn every_login_is_a_session_of_its_own() {
    let (one, two) = (sign_in(&ISSUER, "bob", "").await, sign_in(&ISSUER, "bob", "").await);
    assert_ne!(one.claims()["sid"], two.claims()["sid"]);
    assert_ne!(one.claims()["jti"], two.claims()["jti"]);
    assert_eq!(one.claims()["sub"], two.claims()["sub"]);
}

#[tokio::test]
async fn a_scope_narrows_a_token() {
    let answer = sign_in(&ISSUER, "admin", "scope=tasks:read").await;
    assert_eq!(answer.claims()["scope"], "tasks:read profile email");
    assert_eq!(answer.body["scope"], "tasks:read profile email");
    let again = sign_in(&ISSUER, "admin", "scope=email+tasks:write+tasks:write+openid").await;
    assert_eq!(again.claims()["scope"], "openid email tasks:write profile");
}

#[tokio::test]
async fn openid_adds_an_id_token_that_is_no_access_token() {
    let answer = sign_in(&ISSUER, "victor", "scope=openid").await;
    let id = claims(answer.text("id_token"));
    assert_eq!((&id["typ"], &id["aud"]), (&json!("ID"), &json!("fastapi-backend")));
    assert_eq!((&id["sub"], &id["sid"]), (&answer.claims()["sub"], &answer.claims()["sid"]));
    assert_eq!(id["at_hash"].as_str().unwrap().len(), 22);
    assert!(id.get("realm_access").is_none() && id.get("scope").is_none());
    assert_eq!(verify(&ISSUER, answer.text("id_token")).await, None, "its audience is the client");
}

#[tokio::test]
async fn a_client_may_use_basic() {
    let fields = "grant_type=password username=bob password=bob";
    let basic = Some("fastapi-backend:local-secret");
    let answer = send(form(&ISSUER.token_url(), basic, fields)).await;
    assert_eq!(answer.claims()["azp"], "fastapi-backend");
}

#[tokio::test]
async fn a_service_account_has_no_session() {
    let prometheus = "client_id=prometheus client_secret=local-prometheus-secret";
    for (client, name, role) in
        [(WORKER, "task-worker", "user"), (prometheus, "prometheus", "viewer")]
    {
        let answer = token(&ISSUER, &format!("{client} grant_type=client_credentials")).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(answer.body.get("refresh_token").is_none());
        assert!(answer.body.get("session_state").is_none());
        assert_eq!(answer.body["refresh_expires_in"], 0);
        let claims = verify(&ISSUER, answer.text("access_token")).await.unwrap();
        let expected = "acr aud azp client_id email_verified exp iat iss jti preferred_username \
                        realm_access scope sub typ";
        assert_eq!(names(&claims), expected.split_whitespace().collect());
        assert_eq!((&claims["azp"], &claims["client_id"]), (&json!(name), &json!(name)));
        assert_eq!(claims["preferred_username"], format!("service-account-{name}"));
        assert_eq!(claims["realm_access"]["roles"], json!([role]));
    }
}

#[tokio::test]
async fn a_service_account_can_be_narrowed() {
    let fields = format!("{WORKER} grant_type=client_credentials scope=tasks:read");
    assert_eq!(token(&ISSUER, &fields).await.claims()["scope"], "tasks:read profile email");
}

#[tokio::test]
async fn a_refresh_keeps_person_session_and_scope() {
    let first = sign_in(&ISSUER, "alice", "scope=openid+tasks:read+tasks:write").await;
    let refresh =
        format!("{BACKEND} grant_type=refresh_token refresh_token={}", first.text("refresh_token"));
    let second = token(&ISSUER, &refresh).await;
    for claim in ["sub", "sid", "azp", "scope", "realm_access"] {
        assert_eq!(second.claims()[claim], first.claims()[claim], "{claim}");
    }
    assert_ne!(second.claims()["jti"], first.claims()["jti"]);
    assert!(second.body.get("id_token").is_some());

    let narrowed = token(&ISSUER, &format!("{refresh} scope=tasks:read+tasks:admin")).await;
    assert_eq!(narrowed.claims()["scope"], "tasks:read profile email", "never more than at first");
    assert_eq!(token(&ISSUER, &refresh).await.claims()["scope"], first.claims()["scope"]);
}

#[tokio::test]
async fn discovery_names_the_urls_that_are_there() {
    let found = fetch(&format!("{}/.well-known/openid-configuration", ISSUER.url())).await;
    assert_eq!(found.text("issuer"), ISSUER.url());
    assert_eq!(found.text("jwks_uri"), ISSUER.jwks_url());
    assert_eq!(found.text("token_endpoint"), ISSUER.token_url());
    for logout in ["backchannel_logout_supported", "backchannel_logout_session_supported"] {
        assert_eq!(found.body[logout], true, "{logout}");
    }
    assert_eq!(fetch(found.text("jwks_uri")).await.status, StatusCode::OK);
    assert!(ISSUER.url().ends_with("/realms/task-manager"));
}
