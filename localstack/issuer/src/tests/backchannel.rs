//! Who is told of a logout, and what.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::listener::Listener;
use super::{Answer, BACKEND, form, part, send, sign_in, token, verify_for};
use crate::{Issuer, Realm};

/// Longer than anything takes, however busy the machine is.
const LONG: Duration = Duration::from_mins(1);

/// An issuer with other attributes for `fastapi-backend`, and that much patience with clients.
fn issuer(attributes: Option<&Value>, patience: Duration) -> Issuer {
    let mut export: Value =
        serde_json::from_str(include_str!("../../../keycloak/task-manager-realm.json")).unwrap();
    let clients = export["clients"].as_array_mut().unwrap().iter_mut();
    for client in clients.filter(|client| client["clientId"] == "fastapi-backend") {
        client["attributes"] = attributes.unwrap_or(&client["attributes"]).clone();
    }
    let realm = Realm::parse(&export.to_string()).unwrap();
    Issuer::with_patience(patience, realm, "127.0.0.1:0".parse().unwrap()).unwrap()
}

/// An issuer that tells this listener of logouts.
fn telling(listener: &Listener) -> Issuer {
    let issuer = issuer(None, LONG);
    issuer.set_logout_url(Some(listener.url.clone()));
    issuer
}

async fn logout(issuer: &Issuer, signed_in: &Answer) -> StatusCode {
    let url = format!("{}/protocol/openid-connect/logout", issuer.url());
    let fields = format!("{BACKEND} refresh_token={}", signed_in.text("refresh_token"));
    timeout(LONG, send(form(&url, None, &fields))).await.expect("an answer").status
}

#[tokio::test]
async fn the_client_is_told_once_of_each_session_that_ends() {
    let listener = Listener::start().await;
    let issuer = telling(&listener);
    let signed_in = sign_in(&issuer, "bob", "").await;
    let other = sign_in(&issuer, "bob", "").await;
    assert_eq!(logout(&issuer, &signed_in).await, StatusCode::NO_CONTENT);
    assert_eq!(logout(&issuer, &signed_in).await, StatusCode::NO_CONTENT);
    let tokens = listener.tokens();
    let [token] = &tokens[..] else { panic!("{} calls", tokens.len()) };

    let header = part(token, 0);
    assert_eq!((&header["alg"], &header["typ"]), (&json!("RS256"), &json!("logout+jwt")));
    let mut claims = verify_for(&issuer, token, "fastapi-backend").await.unwrap();
    let since = claims["iat"].as_i64().unwrap();
    assert!(claims["jti"].as_str().is_some_and(|jti| jti.len() == 36), "{claims}");
    claims.as_object_mut().unwrap().remove("jti");
    // The claims of Keycloak's `LogoutToken`, and no others.
    let expected = json!({
        "iss": issuer.url(),
        "aud": "fastapi-backend",
        "iat": since,
        "exp": since + 120,
        "typ": "Logout",
        "sub": signed_in.claims()["sub"],
        "sid": signed_in.claims()["sid"],
        "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
    });
    assert_eq!(claims, expected);

    assert_eq!(logout(&issuer, &other).await, StatusCode::NO_CONTENT);
    assert_eq!(listener.tokens().len(), 2);
    let second = verify_for(&issuer, &listener.tokens()[1], "fastapi-backend").await.unwrap();
    assert_eq!(second["sid"], other.claims()["sid"]);
}

#[tokio::test]
async fn a_refused_logout_is_told_to_nobody() {
    let listener = Listener::start().await;
    let issuer = telling(&listener);
    let signed_in = sign_in(&issuer, "bob", "").await;
    let url = format!("{}/protocol/openid-connect/logout", issuer.url());
    let value = signed_in.text("refresh_token");
    for fields in [
        format!("client_id=fastapi-backend client_secret=x refresh_token={value}"),
        format!("{BACKEND} refresh_token=x"),
        BACKEND.to_owned(),
    ] {
        assert!(send(form(&url, None, &fields)).await.status.is_client_error());
    }
    assert!(listener.tokens().is_empty());
}

#[tokio::test]
async fn nobody_is_told_unless_somebody_asked_for_it() {
    let listener = Listener::start().await;
    let issuer = issuer(Some(&json!({ "backchannel.logout.url": listener.url })), LONG);
    let [one, two] = [sign_in(&issuer, "bob", "").await, sign_in(&issuer, "bob", "").await];
    assert_eq!(logout(&issuer, &one).await, StatusCode::NO_CONTENT);
    assert!(listener.tokens().is_empty(), "tests do not call whatever the realm says");
    issuer.set_logout_url(None);
    assert_eq!(logout(&issuer, &two).await, StatusCode::NO_CONTENT);
    assert_eq!(listener.tokens().len(), 1, "where the realm says");
}

#[tokio::test]
async fn the_realm_says_who_is_told_and_how_much() {
    let listener = Listener::start().await;
    let url = "http://127.0.0.1:1/";
    for (attributes, sids) in [
        (json!({ "backchannel.logout.session.required": "true" }), vec![]),
        (json!({ "backchannel.logout.url": "" }), vec![]),
        (json!({ "backchannel.logout.url": url }), vec![false]),
        (
            json!({
                "backchannel.logout.url": url,
                "backchannel.logout.session.required": "false",
                "backchannel.logout.revoke.offline.tokens": "false",
            }),
            vec![false, false],
        ),
        (
            json!({
                "backchannel.logout.url": url,
                "backchannel.logout.session.required": "true",
            }),
            vec![false, false, true],
        ),
    ] {
        let issuer = issuer(Some(&attributes), LONG);
        issuer.set_logout_url(Some(listener.url.clone()));
        let signed_in = sign_in(&issuer, "bob", "").await;
        assert_eq!(logout(&issuer, &signed_in).await, StatusCode::NO_CONTENT);
        let tokens = listener.tokens();
        let named = |token: &String| super::claims(token).get("sid").is_some();
        assert_eq!(tokens.iter().map(named).collect::<Vec<_>>(), sids, "{attributes}");
    }
}

#[tokio::test]
async fn the_session_is_over_before_anybody_hears_of_it() {
    let listener = Listener::start().await;
    let issuer = telling(&listener);
    let signed_in = sign_in(&issuer, "bob", "").await;
    listener.hold();
    let refresh = async {
        timeout(LONG, listener.called()).await.expect("a call");
        let value = signed_in.text("refresh_token");
        let fields = format!("{BACKEND} grant_type=refresh_token refresh_token={value}");
        let answer = token(&issuer, &fields).await;
        listener.resume();
        answer
    };
    let (status, refreshed) = tokio::join!(logout(&issuer, &signed_in), refresh);
    assert_eq!(status, StatusCode::NO_CONTENT);
    refreshed.is_refused(400, "invalid_grant", "Session not active");
}

#[tokio::test]
async fn whoever_does_not_listen_stops_no_logout() {
    let listener = Listener::start().await;
    let issuer = telling(&listener);
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let urls = [format!("http://{gone}/"), "nowhere".to_owned(), "https://127.0.0.1/".to_owned()];
    for url in urls {
        issuer.set_logout_url(Some(url.clone()));
        let signed_in = sign_in(&issuer, "bob", "").await;
        assert_eq!(logout(&issuer, &signed_in).await, StatusCode::NO_CONTENT, "{url}");
    }
    issuer.set_logout_url(Some(listener.url.clone()));
    listener.answer(StatusCode::BAD_REQUEST);
    let signed_in = sign_in(&issuer, "bob", "").await;
    assert_eq!(logout(&issuer, &signed_in).await, StatusCode::NO_CONTENT);
    assert_eq!(listener.tokens().len(), 1, "and nobody tries again");
}

#[tokio::test]
async fn whoever_never_answers_holds_no_logout_up_for_long() {
    // The system takes the connection for it.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    silent.set_nonblocking(true).unwrap();
    let issuer = issuer(None, Duration::from_millis(200));
    issuer.set_logout_url(Some(format!("http://{}/", silent.local_addr().unwrap())));
    let signed_in = sign_in(&issuer, "bob", "").await;
    assert_eq!(logout(&issuer, &signed_in).await, StatusCode::NO_CONTENT);
    assert!(silent.accept().is_ok(), "it was called");
}

#[tokio::test]
async fn who_hangs_up_has_signed_out_all_the_same() {
    let listener = Listener::start().await;
    let issuer = telling(&listener);
    let signed_in = sign_in(&issuer, "bob", "").await;
    listener.hold();
    tokio::select! {
        _ = logout(&issuer, &signed_in) => panic!("answered without waiting for the client"),
        called = timeout(LONG, listener.called()) => called.expect("a call"),
    }
    // Time for the issuer to see that nobody waits for its answer any more.
    tokio::time::sleep(Duration::from_millis(300)).await;
    listener.resume();
    timeout(LONG, listener.answered()).await.expect("the call goes on");
}
