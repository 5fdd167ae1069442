//! What the issuer says, and whether it says it about an access token for us, now.

use serde_json::{Map, Value};

use domain::json;

use crate::{Reason, Settings};

/// How far the issuer's clock may be from ours, in seconds.
pub(crate) const LEEWAY: i64 = 30;
/// The longest life of a token that is no mistake, in seconds.
const LONGEST_LIFE: i64 = 24 * 60 * 60;

/// The claims of a token whose signature is good.
pub(crate) struct Claims(Map<String, Value>);

/// When a token began and when it ends, in seconds since 1970.
pub(crate) struct Life {
    pub(crate) issued_at: i64,
    pub(crate) expires_at: i64,
}

impl Claims {
    pub(crate) fn read(json: &[u8]) -> Result<Self, Reason> {
        json::object(json).ok().map(Self).ok_or(Reason::Claims)
    }

    /// Whether the token is an access token, of our issuer, for us, and valid now.
    pub(crate) fn check(&self, settings: &Settings, now: i64) -> Result<Life, Reason> {
        self.check_origin(&settings.issuer, &settings.audiences)?;
        let parties = &settings.authorized_parties;
        let party = self.text("azp");
        if !parties.is_empty() && !parties.iter().any(|p| party == Some(p)) {
            return Err(Reason::Party);
        }
        let life = self.life(now)?;
        // An ID token is signed by the same key, for the same audience; a logout token too.
        if self.text("typ") != Some("Bearer") {
            return Err(Reason::Purpose);
        }
        Ok(life)
    }

    /// Whether the token is of that issuer, and for one of these.
    pub(crate) fn check_origin(&self, issuer: &str, audiences: &[String]) -> Result<(), Reason> {
        if self.text("iss") != Some(issuer) {
            return Err(Reason::Issuer);
        }
        if self.is_for(audiences) { Ok(()) } else { Err(Reason::Audience) }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// A claim, if it is a string.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    fn is_for(&self, audiences: &[String]) -> bool {
        let ours = |audience: &str| audiences.iter().any(|a| a == audience);
        match self.get("aud") {
            Some(Value::String(audience)) => ours(audience),
            Some(Value::Array(list)) => {
                let list: Option<Vec<&str>> = list.iter().map(Value::as_str).collect();
                list.is_some_and(|list| list.into_iter().any(ours))
            }
            _ => false,
        }
    }

    fn life(&self, now: i64) -> Result<Life, Reason> {
        let expires_at = self.expiry(now)?.ok_or(Reason::Expiry)?;
        let issued_at = self.issue(now)?;
        Life { issued_at, expires_at }.checked()
    }

    /// The end of a token that has not ended, if it says one.
    pub(crate) fn expiry(&self, now: i64) -> Result<Option<i64>, Reason> {
        let Some(expires_at) = self.get("exp") else { return Ok(None) };
        let expires_at = seconds(expires_at).ok_or(Reason::Expiry)?;
        if now >= expires_at.saturating_add(LEEWAY) {
            return Err(Reason::Expired);
        }
        Ok(Some(expires_at))
    }

    /// The beginning of a token that has begun.
    pub(crate) fn issue(&self, now: i64) -> Result<i64, Reason> {
        let latest = now.saturating_add(LEEWAY);
        if let Some(not_before) = self.get("nbf")
            && seconds(not_before).ok_or(Reason::NotBefore)? > latest
        {
            return Err(Reason::NotYet);
        }
        // Required, because a revocation says "whatever was issued until then".
        let issued_at = self.get("iat").and_then(seconds).ok_or(Reason::IssuedAt)?;
        if issued_at > latest {
            return Err(Reason::IssuedLater);
        }
        Ok(issued_at)
    }
}

impl Life {
    /// The life, if it is no mistake.
    pub(crate) fn checked(self) -> Result<Self, Reason> {
        let length = self.expires_at.saturating_sub(self.issued_at);
        if (0..=LONGEST_LIFE).contains(&length) { Ok(self) } else { Err(Reason::Lifetime) }
    }
}

/// A time. Keycloak writes whole seconds; the standard allows parts of them, which do not matter.
/// A string is no time.
#[expect(clippy::cast_possible_truncation, reason = "saturates, and no such time is accepted")]
fn seconds(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds as i64))
}
