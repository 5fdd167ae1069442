//! The end of a session, as the issuer tells it (OpenID Connect Back-Channel Logout 1.0).

use domain::input::parse_uuid;
use serde_json::Value;
use uuid::Uuid;

use crate::caller::is_session;
use crate::claims::{Claims, LEEWAY, Life};
use crate::{Reason, Settings};

/// The member of `events` that makes a token a logout token.
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// How long a token without `exp` is good for, in seconds: as long as the standard would have it.
const USUAL_LIFE: i64 = 120;
const LONGEST_ID: usize = 128;

/// Who has signed out, and where. At least one of `sub` and `sid` is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logout {
    /// The token's own id. The same again is a repetition, and to be refused.
    pub jti: String,
    /// Who has signed out; without a session, of all sessions that began until then.
    pub sub: Option<Uuid>,
    /// The session that is over.
    pub sid: Option<String>,
    /// When the token was issued, in seconds since 1970.
    pub issued_at: i64,
    /// When the token ends, in seconds since 1970. Clocks differ, so it is accepted for another
    /// half a minute, and its `jti` must be remembered longer than that.
    pub expires_at: i64,
}

impl Logout {
    /// The logout of a token whose signature is good.
    pub(crate) fn of(claims: &Claims, settings: &Settings, now: i64) -> Result<Self, Reason> {
        claims.check_origin(&settings.issuer, settings.logout_audiences())?;
        let life = life(claims, now)?;
        check_kind(claims)?;
        let jti = claims.text("jti").filter(|id| is_token_id(id)).ok_or(Reason::TokenId)?;
        let sub = subject(claims)?;
        let sid = session(claims)?;
        if sub.is_none() && sid.is_none() {
            return Err(Reason::Nobody);
        }
        Ok(Self {
            jti: jti.to_owned(),
            sub,
            sid: sid.filter(|_| sub.is_none() || !settings.logout_ends_all),
            issued_at: life.issued_at,
            expires_at: life.expires_at,
        })
    }
}

/// The standard did not always ask for `exp`. Without it the token is judged by its age.
fn life(claims: &Claims, now: i64) -> Result<Life, Reason> {
    let expires_at = claims.expiry(now)?;
    let issued_at = claims.issue(now)?;
    let Some(expires_at) = expires_at else {
        let expires_at = issued_at.saturating_add(USUAL_LIFE);
        if now > expires_at.saturating_add(LEEWAY) {
            return Err(Reason::Stale);
        }
        return Ok(Life { issued_at, expires_at });
    };
    Life { issued_at, expires_at }.checked()
}

/// Whether the token is about a logout. The header has said so, or just `JWT`: then only the claims
/// tell it from an ID token, which the same key signs for the same client.
fn check_kind(claims: &Claims) -> Result<(), Reason> {
    // Keycloak's word. The standard knows no such claim, so another issuer may leave it out.
    if claims.get("typ").is_some_and(|typ| typ != "Logout") {
        return Err(Reason::Purpose);
    }
    // Nothing but an object: some take whatever is under that name.
    if !claims.get("events").and_then(|events| events.get(EVENT)).is_some_and(Value::is_object) {
        return Err(Reason::Events);
    }
    // The standard's own mark of an ID token.
    if claims.get("nonce").is_some() {
        return Err(Reason::Nonce);
    }
    Ok(())
}

fn is_token_id(id: &str) -> bool {
    (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic())
}

fn subject(claims: &Claims) -> Result<Option<Uuid>, Reason> {
    match claims.get("sub") {
        None => Ok(None),
        Some(sub) => sub.as_str().and_then(parse_uuid).map(Some).ok_or(Reason::Subject),
    }
}

fn session(claims: &Claims) -> Result<Option<String>, Reason> {
    match claims.get("sid") {
        None => Ok(None),
        Some(Value::String(sid)) if is_session(sid) => Ok(Some(sid.clone())),
        Some(_) => Err(Reason::Session),
    }
}
