//! How a user stands: logged out, deactivated, or in order.
//!
//! Postgres knows; Redis remembers it for some minutes, under an epoch of its own, so that an answer of
//! Postgres from before a logout is not kept after it. What Redis does not know, Postgres is asked: a
//! Redis that loses everything revives no token.

use domain::AccountState;
use redis::Value;
use uuid::Uuid;

use crate::limit::{Limit, Verdict};

/// A name that is new whenever something may have changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Epoch(pub(crate) String);

/// Who presents a token.
#[derive(Clone, Copy, Debug)]
pub struct Bearer<'a> {
    /// The token's `sub`.
    pub user: Uuid,
    /// The token's `sid`.
    pub session: Option<&'a str>,
    /// The token's `iat`.
    pub issued_at: i64,
}

/// Whether a token still counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It does.
    Good,
    /// It was logged out.
    Revoked,
    /// Its user was deactivated.
    Disabled,
    /// Postgres is to be asked; with the epoch, the answer can be kept.
    Unknown(Option<Epoch>),
}

/// What Postgres said of a caller, to be kept.
#[derive(Clone, Debug)]
pub struct Told {
    /// Who.
    pub user: Uuid,
    /// The epoch from before Postgres was asked.
    pub epoch: Epoch,
    /// How their account stands.
    pub state: AccountState,
}

impl Told {
    /// The text that greet.lua reads.
    pub(crate) fn text(&self) -> String {
        let AccountState { active, not_before, sessions } = &self.state;
        let word = if *active { "active" } else { "disabled" };
        // Each is found with a space on either side.
        format!("{word} {} {} ", (*not_before).max(0), sessions.join(" "))
    }
}

/// What was found of a caller at the beginning of a request.
#[derive(Clone, Debug)]
pub struct Greeting {
    /// How they stand.
    pub standing: Standing,
    /// What their limits say, as far as somebody counted: the one of all calls, then the one of calls
    /// like this, if there is one. At the first that refuses nobody counts on.
    pub limits: Vec<Verdict>,
}

/// The meter of a limit of some calls alone, in the slot of the others.
pub(crate) fn policy_key(user: Uuid, limit: &Limit) -> String {
    format!("rl:{{u:{user}}}:{}", limit.name)
}

/// The keys of how a user stands, and their meter.
pub(crate) fn keys(user: Uuid) -> [String; 3] {
    ["rv", "re", "rl"].map(|part| format!("{part}:{{u:{user}}}"))
}

/// Reads what greet.lua says, which was asked for these limits.
pub(crate) fn greeting(answer: &Value, limits: &[Limit]) -> Option<Greeting> {
    let Value::Array(parts) = answer else { return None };
    let text = |index: usize| match parts.get(index) {
        Some(Value::BulkString(bytes)) => std::str::from_utf8(bytes).ok(),
        _ => None,
    };
    let standing = match text(0)? {
        "good" => Standing::Good,
        "unknown" => Standing::Unknown(Some(Epoch(text(1)?.to_owned()))),
        "revoked" => return Some(Greeting { standing: Standing::Revoked, limits: Vec::new() }),
        "disabled" => return Some(Greeting { standing: Standing::Disabled, limits: Vec::new() }),
        _ => return None,
    };
    let meters = parts.get(2..)?.chunks(3).zip(limits);
    let limits: Option<Vec<_>> = meters.map(|(answer, limit)| limit.verdict(answer)).collect();
    Some(Greeting { standing, limits: limits.filter(|limits| !limits.is_empty())? })
}
