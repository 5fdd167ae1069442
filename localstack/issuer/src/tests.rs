//! The issuer as its callers see it: over HTTP, and through the handle.

mod backchannel;
mod grants;
mod handle;
mod listener;
mod logout;
mod refusals;

use std::sync::LazyLock;

use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine as _};
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{DecodingKey, Validation};
use serde_json::Value;

use crate::{Issuer, Realm};

pub(crate) const EXPORT: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../keycloak/task-manager-realm.json");

/// Shared by tests with separate runtimes, as the tests of other crates share theirs.
static ISSUER: LazyLock<Issuer> = LazyLock::new(start);

/// For tests that rotate keys or stop answers.
fn start() -> Issuer {
    Issuer::start(Realm::read(EXPORT).unwrap(), "127.0.0.1:0".parse().unwrap()).unwrap()
}

#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

impl Answer {
    fn text(&self, field: &str) -> &str {
        self.body[field].as_str().unwrap_or_else(|| panic!("no {field}: {self:?}"))
    }

    fn claims(&self) -> Value {
        claims(self.text("access_token"))
    }

    #[track_caller]
    fn is_refused(&self, status: u16, error: &str, description: &str) {
        let body = (self.body["error"].as_str(), self.body["error_description"].as_str());
        assert_eq!((self.status.as_u16(), body), (status, (Some(error), Some(description))));
    }
}

/// The claims of a token, unverified.
fn claims(token: &str) -> Value {
    part(token, 1)
}

fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

async fn send(request: Request<Full<axum::body::Bytes>>) -> Answer {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let (head, body) = client.request(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let body = serde_json::from_slice(&body).unwrap_or_default();
    Answer { status: head.status, headers: head.headers, body }
}

async fn fetch(url: &str) -> Answer {
    send(Request::get(url).body(Full::default()).unwrap()).await
}

/// Fields as `name=value` pairs, space separated; `+` is a space.
fn form(url: &str, basic: Option<&str>, fields: &str) -> Request<Full<axum::body::Bytes>> {
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(url)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded; charset=utf-8");
    if let Some(basic) = basic {
        let value = format!("Basic {}", BASE64_STANDARD.encode(basic));
        request = request.header(header::AUTHORIZATION, value);
    }
    request.body(Full::from(fields.replace(' ', "&"))).unwrap()
}

async fn token(issuer: &Issuer, fields: &str) -> Answer {
    send(form(&issuer.token_url(), None, fields)).await
}

const BACKEND: &str = "client_id=fastapi-backend client_secret=local-secret";
const WORKER: &str = "client_id=task-worker client_secret=local-worker-secret";

async fn sign_in(issuer: &Issuer, name: &str, more: &str) -> Answer {
    let fields = format!("{BACKEND} grant_type=password username={name} password={name} {more}");
    token(issuer, fields.trim_end()).await
}

/// What the API does: the key by `kid` from the JWKS, its algorithm, issuer and audience.
async fn verify(issuer: &Issuer, token: &str) -> Option<Value> {
    verify_for(issuer, token, "task-api").await
}

async fn verify_for(issuer: &Issuer, token: &str, audience: &str) -> Option<Value> {
    let jwks: JwkSet = serde_json::from_value(fetch(&issuer.jwks_url()).await.body).unwrap();
    let kid = jsonwebtoken::decode_header(token).ok()?.kid?;
    let jwk = jwks.find(&kid)?;
    let alg = jwk.common.key_algorithm?.to_string().parse().ok()?;
    let mut rules = Validation::new(alg);
    rules.set_issuer(&[issuer.url()]);
    rules.set_audience(&[audience]);
    rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    let key = DecodingKey::from_jwk(jwk).ok()?;
    jsonwebtoken::decode::<Value>(token, &key, &rules).ok().map(|read| read.claims)
}
