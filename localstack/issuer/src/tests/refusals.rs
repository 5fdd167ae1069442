//! What the token endpoint refuses; statuses and words as real Keycloak 25 answered them.

use super::{BACKEND, ISSUER, WORKER, fetch, form, send, sign_in, token};
use http::{Request, StatusCode};
use http_body_util::Full;

const CLIENT: &str = "Invalid client or Invalid client credentials";
const ALICE: &str = "grant_type=password username=alice password=alice";

#[tokio::test]
async fn clients_that_do_not_prove_themselves() {
    for (fields, error) in [
        (ALICE.to_owned(), "invalid_client"),
        (format!("client_id=nobody {ALICE}"), "invalid_client"),
        (format!("client_id=fastapi-backend {ALICE}"), "unauthorized_client"),
        (format!("client_id=fastapi-backend client_secret=x {ALICE}"), "unauthorized_client"),
        (format!("client_id=task-api {ALICE}"), "unauthorized_client"),
    ] {
        token(&ISSUER, &fields).await.is_refused(401, error, CLIENT);
    }
    let basic = Some("fastapi-backend:wrong");
    let answer = send(form(&ISSUER.token_url(), basic, ALICE)).await;
    answer.is_refused(401, "unauthorized_client", CLIENT);
}

#[tokio::test]
async fn wrong_credentials() {
    for user in [
        "username=alice password=wrong",
        "username=nobody password=nobody",
        "username=alice",
        "username=service-account-task-worker password=",
    ] {
        let answer = token(&ISSUER, &format!("{BACKEND} grant_type=password {user}")).await;
        answer.is_refused(401, "invalid_grant", "Invalid user credentials");
    }
    let answer = token(&ISSUER, &format!("{BACKEND} grant_type=password")).await;
    answer.is_refused(401, "invalid_request", "Missing parameter: username");
}

#[tokio::test]
async fn grants_a_client_does_not_have() {
    for client in ["client_id=task-web", "client_id=task-mobile", WORKER] {
        let answer = token(&ISSUER, &format!("{client} {ALICE}")).await;
        let words = "Client not allowed for direct access grants";
        answer.is_refused(400, "unauthorized_client", words);
    }
    let service = "grant_type=client_credentials";
    let answer = token(&ISSUER, &format!("{BACKEND} {service}")).await;
    let words = "Client not enabled to retrieve service account";
    answer.is_refused(401, "unauthorized_client", words);
    let answer = token(&ISSUER, &format!("client_id=task-web {service}")).await;
    let words = "Public client not allowed to retrieve service account";
    answer.is_refused(401, "unauthorized_client", words);
}

#[tokio::test]
async fn grants_and_parameters_that_do_not_exist() {
    let answer = token(&ISSUER, BACKEND).await;
    answer.is_refused(400, "invalid_request", "Missing form parameter: grant_type");
    let answer = token(&ISSUER, &format!("{BACKEND} grant_type=magic")).await;
    answer.is_refused(400, "unsupported_grant_type", "Unsupported grant_type");
    let answer = token(&ISSUER, &format!("{BACKEND} {ALICE} username=bob")).await;
    answer.is_refused(400, "invalid_request", "duplicated parameter");
    let json = Request::post(ISSUER.token_url())
        .header("content-type", "application/json")
        .body(Full::from("{}"))
        .unwrap();
    send(json).await.is_refused(400, "invalid_request", "Missing form parameter: grant_type");
    assert_eq!(fetch(&ISSUER.token_url()).await.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn scopes_the_client_does_not_have() {
    let answer = sign_in(&ISSUER, "alice", "scope=openid+tasks:everything").await;
    answer.is_refused(400, "invalid_scope", "Invalid scopes: openid tasks:everything");
    let worker = format!("{WORKER} grant_type=client_credentials scope=nope");
    token(&ISSUER, &worker).await.is_refused(400, "invalid_scope", "Invalid scopes: nope");
}

#[tokio::test]
async fn refresh_tokens_that_are_none() {
    let signed_in = sign_in(&ISSUER, "alice", "").await;
    let refresh = |client: &str, value: &str| {
        format!("{client} grant_type=refresh_token refresh_token={value}")
    };
    let answer = token(&ISSUER, &refresh(BACKEND, "")).await;
    answer.is_refused(400, "invalid_request", "No refresh token");
    for value in ["x", signed_in.text("access_token")] {
        let answer = token(&ISSUER, &refresh(BACKEND, value)).await;
        answer.is_refused(400, "invalid_grant", "Invalid refresh token");
    }
    let answer = token(&ISSUER, &refresh(WORKER, signed_in.text("refresh_token"))).await;
    let words = "Invalid refresh token. Token client and authorized client don't match";
    answer.is_refused(400, "invalid_grant", words);
}
