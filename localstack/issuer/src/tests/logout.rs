//! Logout ends a session, and only that one.

use super::{Answer, BACKEND, ISSUER, WORKER, form, send, sign_in, token};
use http::StatusCode;

async fn logout(fields: &str) -> Answer {
    let url = format!("{}/protocol/openid-connect/logout", ISSUER.url());
    send(form(&url, None, fields)).await
}

async fn refresh(value: &str) -> Answer {
    token(&ISSUER, &format!("{BACKEND} grant_type=refresh_token refresh_token={value}")).await
}

#[tokio::test]
async fn after_it_nothing_refreshes() {
    let first = sign_in(&ISSUER, "bob", "").await;
    let other = sign_in(&ISSUER, "bob", "").await;
    let second = refresh(first.text("refresh_token")).await;
    let bye = format!("{BACKEND} refresh_token={}", first.text("refresh_token"));
    assert_eq!(logout(&bye).await.status, StatusCode::NO_CONTENT);
    for ended in [&first, &second] {
        let answer = refresh(ended.text("refresh_token")).await;
        answer.is_refused(400, "invalid_grant", "Session not active");
    }
    assert_eq!(refresh(other.text("refresh_token")).await.status, StatusCode::OK);
    assert_eq!(logout(&bye).await.status, StatusCode::NO_CONTENT, "twice is no fault");
}

#[tokio::test]
async fn it_needs_the_client_and_its_token() {
    let signed_in = sign_in(&ISSUER, "bob", "").await;
    let value = signed_in.text("refresh_token");
    let wrong = format!("client_id=fastapi-backend client_secret=x refresh_token={value}");
    let words = "Invalid client or Invalid client credentials";
    logout(&wrong).await.is_refused(401, "unauthorized_client", words);
    let words = "Invalid refresh token. Token client and authorized client don't match";
    let other = format!("{WORKER} refresh_token={value}");
    logout(&other).await.is_refused(400, "invalid_grant", words);
    let garbage = format!("{BACKEND} refresh_token=x");
    logout(&garbage).await.is_refused(400, "invalid_grant", "Invalid refresh token");
    logout(BACKEND).await.is_refused(400, "invalid_request", "No refresh token");
    assert_eq!(refresh(value).await.status, StatusCode::OK, "the session is still there");
}
