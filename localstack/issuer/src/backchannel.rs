//! Telling a client that a session is over (OpenID Connect Back-Channel Logout 1.0).

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::{Request, StatusCode, Uri, header};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::time::timeout;
use uuid::Uuid;

use crate::keys::KeyError;
use crate::person::Person;
use crate::sessions::Session;
use crate::state::State;
use crate::tokens;

/// From the connection to the answer. The person who signs out waits for it.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(3);

/// Who is told of a logout.
#[derive(Debug, Default)]
pub(crate) enum Callee {
    #[default]
    Nobody,
    /// Each client at the URL that the realm export has for it.
    OfTheRealm,
    /// The same clients, all at this URL.
    At(String),
}

/// Why a client does not know.
#[derive(Debug, thiserror::Error)]
enum CallError {
    #[error("it is no absolute http URL")]
    Address,
    #[error(transparent)]
    Token(#[from] KeyError),
    #[error(transparent)]
    Request(#[from] http::Error),
    #[error("{0}")]
    Transport(String),
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    #[error("it answered {0}")]
    Status(StatusCode),
}

/// Tells the session's client, if it wants to know. Without success there is a line for whoever
/// started the issuer, and nothing else: Keycloak does not try again either.
#[expect(clippy::print_stderr, reason = "speaks to the person who started it; there is no log")]
pub(crate) async fn tell(state: Arc<State>, sid: Uuid, session: Session) {
    let Some(url) = url(&state, &session.client) else { return };
    if let Err(reason) = call(&state, &url, sid, &session).await {
        let client = session.client;
        eprintln!("issuer: {client} was not told of a logout at {url}: {reason}");
    }
}

/// The URL, if it is one that can be called: absolute and of plain HTTP, which is enough on one
/// machine.
pub(crate) fn address(url: &str) -> Option<Uri> {
    let address: Uri = url.parse().ok()?;
    (address.scheme_str() == Some("http") && address.host().is_some()).then_some(address)
}

fn url(state: &State, client: &str) -> Option<String> {
    let of_the_realm = state.realm.client(client)?.logout_url()?;
    match &*state.callee() {
        Callee::Nobody => None,
        Callee::OfTheRealm => Some(of_the_realm.to_owned()),
        Callee::At(url) => Some(url.clone()),
    }
}

async fn call(state: &State, url: &str, sid: Uuid, session: &Session) -> Result<(), CallError> {
    let address = address(url).ok_or(CallError::Address)?;
    let Some(token) = token(state, sid, session)? else { return Ok(()) };
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("logout_token", &token)
        .finish();
    let request = Request::post(address)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(form))?;
    // Logouts are rare: a connection kept for the next one would be dead by then.
    let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http();
    let answer = timeout(state.patience, client.request(request)).await;
    let answer = answer.map_err(|_| CallError::Timeout(state.patience))?;
    let answer = answer.map_err(|error| CallError::Transport(causes(&error)))?;
    match answer.status() {
        StatusCode::OK | StatusCode::NO_CONTENT => Ok(()),
        status => Err(CallError::Status(status)),
    }
}

fn token(state: &State, sid: Uuid, session: &Session) -> Result<Option<String>, KeyError> {
    let (realm, id) = (&state.realm, &session.client);
    let (Some(client), Some(user)) = (realm.client(id), realm.user_by_id(session.sub)) else {
        return Ok(None);
    };
    let person = Person::of(user, id, Some(sid));
    tokens::sign_logout(state, &tokens::logout(state, client, &person)).map(Some)
}

/// An error with what is behind it: "cannot connect" alone helps nobody.
fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut behind = error.source();
    while let Some(error) = behind {
        text.push_str(": ");
        text.push_str(&error.to_string());
        behind = error.source();
    }
    text
}
