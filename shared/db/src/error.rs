//! What can go wrong with a call, by what the caller can do about it.

use std::error::Error;
use std::fmt::Write as _;

use deadpool_postgres::PoolError;
use domain::AccountState;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::WrongType;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// The database cannot be reached, is busy, or took too long. Trying again later can help.
    #[error("the database is unavailable ({0})")]
    Unavailable(String),
    /// Another request with the same idempotency key is still at work.
    #[error("another request holds the idempotency key")]
    KeyInProgress,
    /// The caller's token does not count any more; with how the account stands, if that was asked.
    #[error("the caller is refused ({0:?})")]
    Caller(BadStanding, Option<AccountState>),
    /// The database refused the statement: a fault of ours.
    #[error("the database refused a statement ({0})")]
    Refused(String),
}

/// Why a caller is refused, whatever the token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadStanding {
    /// The session was logged out.
    Revoked,
    /// The account is deactivated.
    Disabled,
}

/// What to do after a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The connection is gone: try once more on a fresh one.
    Reconnect,
    /// The transaction lost a race and was rolled back: try again.
    Rerun,
    /// The credentials are refused: read them anew.
    Credentials,
    /// Tell the caller.
    GiveUp,
}

/// The mark that `app.claim_key` leaves in the statement that waits for a key.
const KEY_MARK: &str = "/* idempotency key */";

pub(crate) fn verdict(error: &tokio_postgres::Error) -> Verdict {
    let Some(code) = error.code() else {
        // No answer of the server: the connection broke or could not be made, unless the statement
        // was never sent because a parameter has the wrong type.
        let never_sent = error.source().is_some_and(<dyn Error>::is::<WrongType>);
        return if never_sent { Verdict::GiveUp } else { Verdict::Reconnect };
    };
    match *code {
        SqlState::T_R_SERIALIZATION_FAILURE | SqlState::T_R_DEADLOCK_DETECTED => Verdict::Rerun,
        SqlState::INVALID_PASSWORD | SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
            Verdict::Credentials
        }
        SqlState::ADMIN_SHUTDOWN
        | SqlState::CRASH_SHUTDOWN
        | SqlState::CANNOT_CONNECT_NOW
        // The writer became a reader: this connection leads to the wrong instance.
        | SqlState::READ_ONLY_SQL_TRANSACTION => Verdict::Reconnect,
        ref other if other.code().starts_with("08") => {
            let refused = error.as_db_error().is_some_and(|e| e.message().contains("authentication"));
            if refused { Verdict::Credentials } else { Verdict::Reconnect }
        }
        _ => Verdict::GiveUp,
    }
}

/// The error that a caller sees when no further attempt is made.
pub(crate) fn outcome(statement: &str, error: &tokio_postgres::Error) -> DbError {
    let cause = format!("{statement}: {}", chain(error));
    let Some(code) = error.code() else {
        return match verdict(error) {
            Verdict::Reconnect => DbError::Unavailable(cause),
            _ => DbError::Refused(cause),
        };
    };
    if *code == SqlState::LOCK_NOT_AVAILABLE {
        let place = error.as_db_error().and_then(|e| e.where_()).unwrap_or_default();
        return if place.contains(KEY_MARK) {
            DbError::KeyInProgress
        } else {
            DbError::Unavailable(cause)
        };
    }
    let class = code.code().get(..2).unwrap_or_default();
    match (verdict(error), class) {
        // 53 too many connections, out of memory · 57 shut down, cancelled by statement_timeout
        (Verdict::GiveUp, "53" | "57") => DbError::Unavailable(cause),
        (Verdict::GiveUp, _) => DbError::Refused(cause),
        _ => DbError::Unavailable(cause),
    }
}

/// No connection could be had.
pub(crate) fn no_connection(error: &PoolError) -> DbError {
    DbError::Unavailable(match error {
        PoolError::Backend(error) => format!("connect: {}", chain(error)),
        other => format!("connect: {other}"),
    })
}

/// An error with its causes. Of the server's answer only the code, the message and the place: its
/// `DETAIL` quotes rows.
fn chain(error: &tokio_postgres::Error) -> String {
    if let Some(db) = error.as_db_error() {
        return format!("{} {}", db.code().code(), db.message());
    }
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}
