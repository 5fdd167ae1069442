//! The tokens themselves.

use aws_lc_rs::{digest, rand};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::{Builder, Uuid};

use crate::keys::KeyError;
use crate::mappers::{Kind, Subject};
use crate::person::Person;
use crate::realm::Client;
use crate::state::State;

/// How long a logout token is good for, in seconds: two minutes, as in Keycloak.
const LOGOUT_LIFESPAN: i64 = 120;

/// The claims of an access token.
pub(crate) fn access(state: &State, subject: Subject<'_>) -> Value {
    let mut claims = common(state, subject, "Bearer");
    claims.insert("scope".to_owned(), json!(subject.granted.claim(&state.realm)));
    subject.map(Kind::Access, &mut claims);
    Value::Object(claims)
}

/// The claims of an ID token, bound to the access token it comes with.
pub(crate) fn id(state: &State, subject: Subject<'_>, access_token: &str) -> Value {
    let mut claims = common(state, subject, "ID");
    let hash = digest::digest(&digest::SHA256, access_token.as_bytes());
    let half = hash.as_ref().split_at(hash.as_ref().len() / 2).0;
    claims.insert("at_hash".to_owned(), json!(BASE64_URL_SAFE_NO_PAD.encode(half)));
    // OpenID Connect requires it; in access tokens the `basic` scope's mapper decides.
    claims.insert("sub".to_owned(), json!(subject.person.sub));
    subject.map(Kind::Id, &mut claims);
    Value::Object(claims)
}

/// The claims of a logout token, by which a client learns that a session is over. Keycloak always
/// says whose, and which one only to a client that wants it.
pub(crate) fn logout(state: &State, client: &Client, person: &Person) -> Value {
    let issued = now() + person.issued_in;
    let mut claims = json!({
        "iat": issued,
        "exp": issued + LOGOUT_LIFESPAN,
        "jti": random_id(),
        "iss": state.url,
        "aud": client.client_id,
        "sub": person.sub,
        "typ": "Logout",
        "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
    });
    if let Some(sid) = person.sid.filter(|_| client.logout_names_session()) {
        claims["sid"] = json!(sid);
    }
    claims
}

/// Signs such claims. The type in the header is Keycloak's since version 25.
pub(crate) fn sign_logout(state: &State, claims: &Value) -> Result<String, KeyError> {
    state.keys().sign(&json!({ "typ": "logout+jwt" }), claims)
}

fn common(state: &State, subject: Subject<'_>, kind: &str) -> Map<String, Value> {
    let issued = now() + subject.person.issued_in;
    let mut claims = Map::new();
    claims.insert("exp".to_owned(), json!(issued + state.realm.access_token_lifespan));
    claims.insert("iat".to_owned(), json!(issued));
    claims.insert("jti".to_owned(), json!(random_id()));
    claims.insert("iss".to_owned(), json!(state.url));
    claims.insert("typ".to_owned(), json!(kind));
    claims.insert("azp".to_owned(), json!(subject.client.client_id));
    if let Some(sid) = subject.person.sid {
        claims.insert("sid".to_owned(), json!(sid));
    }
    claims
}

/// A refresh token, HS512 under a secret of this process, as in Keycloak.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Refresh {
    pub(crate) exp: i64,
    pub(crate) iat: i64,
    pub(crate) jti: Uuid,
    pub(crate) iss: String,
    pub(crate) aud: String,
    pub(crate) sub: Uuid,
    pub(crate) typ: String,
    pub(crate) azp: String,
    pub(crate) sid: Uuid,
    pub(crate) scope: String,
}

impl Refresh {
    pub(crate) fn encode(&self, state: &State) -> Result<String, KeyError> {
        let key = EncodingKey::from_secret(&state.refresh_secret);
        Ok(jsonwebtoken::encode(&Header::new(Algorithm::HS512), self, &key)?)
    }

    /// Reads a refresh token of this issuer. Whether it has expired is the session's matter.
    pub(crate) fn decode(state: &State, token: &str) -> Option<Self> {
        let mut rules = Validation::new(Algorithm::HS512);
        rules.validate_exp = false;
        rules.set_issuer(&[&state.url]);
        rules.set_audience(&[&state.url]);
        let key = DecodingKey::from_secret(&state.refresh_secret);
        let read = jsonwebtoken::decode::<Self>(token, &key, &rules).ok()?;
        Some(read.claims).filter(|claims| claims.typ == "Refresh")
    }
}

/// Seconds since 1970.
#[expect(clippy::disallowed_methods, reason = "Keycloak is another party, with a clock of its own")]
pub(crate) fn now() -> i64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_secs()).ok())
        .unwrap_or_default()
}

/// A random UUID (version 4), as Keycloak's ids are.
#[expect(clippy::expect_used, reason = "the kernel's generator does not fail on a running machine")]
pub(crate) fn random_id() -> Uuid {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).expect("random bytes");
    Builder::from_random_bytes(bytes).into_uuid()
}
