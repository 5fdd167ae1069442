//! What every mutation shares: the operation that it is, and what can come of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use domain::{AccountState, Permission};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::call::Parameters;
use crate::error::{BadStanding, DbError};
use crate::handle::{Db, Write, column, one_row};
use crate::identity::{Identity, state};
use crate::statement::Statement;

/// What a client sent to make its request repeatable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// The key, 1 to 255 visible characters.
    pub key: String,
    /// What the request asks for: the same key with another fingerprint is refused.
    pub fingerprint: [u8; 32],
}

/// A request to change something.
#[derive(Clone, Debug)]
pub struct Operation<'a> {
    /// Names the request, and what it creates: further attempts must carry the same.
    pub op: Uuid,
    /// The id of its event.
    pub event_id: Uuid,
    /// The client's key, if it sent one.
    pub key: Option<&'a IdempotencyKey>,
    /// The request, for the event.
    pub request_id: &'a str,
    /// The trace, for whoever handles the event.
    pub traceparent: String,
}

impl Operation<'_> {
    /// The type `app.operation`.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "op": self.op,
            "event": self.event_id,
            "key": self.key.map(|key| &key.key),
            "fingerprint": self.key.map(|key| hex(&key.fingerprint)),
            "request_id": self.request_id,
            "traceparent": self.traceparent,
        })
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What came of a mutation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome<T> {
    /// It is committed.
    Done(T),
    /// An earlier request with this key did it; this is its answer.
    Replayed(T),
    /// The key was used for another request.
    KeyReused,
    /// There is no such thing, or the caller may not know of it.
    Missing,
    /// The condition does not name this version, which is the current one.
    Outdated(i64),
    /// It would take this permission.
    Forbidden(Permission),
    /// This field names nobody who is known and active.
    UnknownUser(String),
    /// The thing is not in a state that allows this.
    Conflict,
}

/// What a mutation did besides, this time or an earlier one: what was cached of it is out of date.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Effect {
    /// The version of the task, after it.
    pub version: Option<i64>,
    /// Everybody whose lists it changed, with the `write_seq` that each has now.
    pub touched: BTreeMap<Uuid, i64>,
    /// Everybody who does not stand as before.
    pub judged: Vec<Uuid>,
}

/// What came of a mutation, and all that has to be known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change<T> {
    /// What came of it.
    pub outcome: Outcome<T>,
    /// What it did besides.
    pub effect: Effect,
    /// How the caller's account stands, if nobody vouched for them.
    pub state: Option<AccountState>,
}

/// An outcome as the database says it.
#[derive(Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
enum Wire<T> {
    Done { entity: T },
    Replayed { entity: T },
    KeyReused,
    Missing,
    Outdated { version: i64 },
    Forbidden { required: String },
    UnknownUser { field: String },
    Conflict,
    Revoked,
    Disabled,
}

/// Reads the answer of a function that says what came of it.
pub(crate) fn change_of<T: DeserializeOwned>(
    statement: &Statement,
    answer: Value,
    state: Option<AccountState>,
) -> Result<Change<T>, DbError> {
    // serde's words may quote what it reads: they stay here.
    let unreadable = || DbError::Refused(format!("{}: the answer is unreadable", statement.name));
    let effect = Effect::deserialize(&answer).map_err(|_| unreadable())?;
    let outcome = match serde_json::from_value(answer).map_err(|_| unreadable())? {
        Wire::Done { entity } => Outcome::Done(entity),
        Wire::Replayed { entity } => Outcome::Replayed(entity),
        Wire::KeyReused => Outcome::KeyReused,
        Wire::Missing => Outcome::Missing,
        Wire::Outdated { version } => Outcome::Outdated(version),
        Wire::Forbidden { required } => {
            Outcome::Forbidden(Permission::named(&required).ok_or_else(unreadable)?)
        }
        Wire::UnknownUser { field } => Outcome::UnknownUser(field),
        Wire::Conflict => Outcome::Conflict,
        Wire::Revoked => return Err(DbError::Caller(BadStanding::Revoked, state)),
        Wire::Disabled => return Err(DbError::Caller(BadStanding::Disabled, state)),
    };
    Ok(Change { outcome, effect, state })
}

impl Db<Write> {
    /// Calls a function that changes something: a statement with the columns `answer` and `state`, whose
    /// first parameters are the caller, whether to ask how they stand, and the operation.
    pub(crate) async fn change<T: DeserializeOwned>(
        &self,
        statement: &Statement,
        caller: &Identity<'_>,
        operation: &Operation<'_>,
        rest: Parameters<'_>,
    ) -> Result<Change<T>, DbError> {
        let (json, ask, operation) = (caller.to_json(), !caller.vouched_for, operation.to_json());
        let mut parameters: Vec<&(dyn ToSql + Sync)> = vec![&json, &ask, &operation];
        parameters.extend_from_slice(rest);
        let row = one_row(statement, self.on_writer(statement, &parameters).await?)?;
        let state = state(statement, &row)?;
        change_of(statement, column(statement, &row, "answer")?, state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(answer: Value) -> Result<Outcome<u8>, DbError> {
        change_of(&crate::health::PING, answer, None).map(|change| change.outcome)
    }

    #[test]
    fn each_outcome_has_its_words() {
        let done = json!({"outcome": "done", "entity": 1});
        assert_eq!(read(done).unwrap(), Outcome::Done(1));
        let forbidden = json!({"outcome": "forbidden", "required": "tasks:admin"});
        assert_eq!(read(forbidden).unwrap(), Outcome::Forbidden(Permission::TasksAdmin));
        let outdated = json!({"outcome": "outdated", "version": 7});
        assert_eq!(read(outdated).unwrap(), Outcome::Outdated(7));
        let refused = read(json!({"outcome": "disabled"})).unwrap_err();
        assert!(matches!(refused, DbError::Caller(BadStanding::Disabled, None)));
    }

    #[test]
    fn what_cannot_be_read_is_our_fault_and_is_not_quoted() {
        let why = read(json!({"outcome": "done", "entity": "secret"})).unwrap_err().to_string();
        assert!(!why.contains("secret"), "{why}");
        assert!(read(json!({"outcome": "perhaps"})).is_err());
        assert!(read(json!({"outcome": "forbidden", "required": "tasks:fly"})).is_err());
    }
}
