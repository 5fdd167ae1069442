//! The URLs.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::Bytes;
use axum::extract::{Request, State as Shared};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use crate::client::Form;
use crate::refusal::Refusal;
use crate::state::State;
use crate::{backchannel, grants};

type Handle = Shared<Arc<State>>;

pub(crate) fn router(state: Arc<State>) -> Router {
    let realm = Router::new()
        .route("/protocol/openid-connect/certs", get(certs))
        .route("/protocol/openid-connect/token", post(token))
        .route("/protocol/openid-connect/logout", post(logout))
        .route("/.well-known/openid-configuration", get(discovery))
        // After the routes: it wraps what stands above it.
        .layer(from_fn_with_state(Arc::clone(&state), outage));
    Router::new()
        .nest(&format!("/realms/{}", state.realm.name), realm)
        .route("/dev/rotate", post(rotate))
        .with_state(state)
}

async fn outage(Shared(state): Handle, request: Request, next: Next) -> Response {
    // Counted here, so that refused fetches count too: tests look at how often somebody asked.
    if request.uri().path().ends_with("/certs") {
        state.jwks_fetches.fetch_add(1, Ordering::Relaxed);
    }
    if state.answering.load(Ordering::Relaxed) {
        next.run(request).await
    } else {
        Refusal::outage().into_response()
    }
}

async fn discovery(Shared(state): Handle) -> Json<Value> {
    let url = &state.url;
    let scopes: Vec<&str> = std::iter::once("openid")
        .chain(state.realm.client_scopes.iter().map(|scope| scope.name.as_str()))
        .collect();
    Json(json!({
        "issuer": url,
        "token_endpoint": format!("{url}/protocol/openid-connect/token"),
        "end_session_endpoint": format!("{url}/protocol/openid-connect/logout"),
        "jwks_uri": format!("{url}/protocol/openid-connect/certs"),
        "grant_types_supported": ["password", "client_credentials", "refresh_token"],
        // Without browser flows there is no authorization endpoint and no response type.
        "response_types_supported": [],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "scopes_supported": scopes,
        "backchannel_logout_supported": true,
        "backchannel_logout_session_supported": true,
    }))
}

async fn certs(Shared(state): Handle) -> Response {
    let jwks = state.keys().jwks();
    ([(header::CACHE_CONTROL, "no-cache")], Json(jwks)).into_response()
}

async fn token(Shared(state): Handle, headers: HeaderMap, body: Bytes) -> Response {
    let answer = form(&headers, &body)
        .and_then(|form| grants::token(&state, authorization(&headers), &form))
        .map(Json);
    // RFC 6749, 5.1: no cache may keep a token.
    let never = [(header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")];
    (never, answer).into_response()
}

async fn logout(Shared(state): Handle, headers: HeaderMap, body: Bytes) -> Response {
    let ended = form(&headers, &body)
        .and_then(|form| grants::logout(&state, authorization(&headers), &form));
    let ended = match ended {
        Ok(ended) => ended,
        Err(refusal) => return refusal.into_response(),
    };
    if let Some((sid, session)) = ended {
        // A task of its own: whoever signs out and hangs up has signed out all the same.
        let _ = tokio::spawn(backchannel::tell(state, sid, session)).await;
    }
    (StatusCode::NO_CONTENT, [(header::CACHE_CONTROL, "no-cache")]).into_response()
}

async fn rotate(Shared(state): Handle) -> Result<Json<Value>, Refusal> {
    let mut keys = state.keys();
    Ok(Json(json!({ "kid": keys.rotate()? })))
}

/// A body of another type has no parameters, as in Keycloak.
fn form(headers: &HeaderMap, body: &Bytes) -> Result<Form, Refusal> {
    let is_form = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
    if is_form { Form::parse(body) } else { Ok(Form::default()) }
}

fn authorization(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION).map(HeaderValue::to_str)?.ok()
}
