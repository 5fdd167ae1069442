//! Who calls, as the database needs to know them.

use domain::{AccountState, Permission, Permissions, Role as UserRole};
use serde::Serialize;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::error::{BadStanding, DbError};
use crate::handle::{Db, Role, column, one_row};
use crate::statement::Statement;

pub(crate) const GREET: Statement = Statement {
    name: "callers.greet",
    sql: "-- callers.greet
SELECT api.greet_v1($1 /* caller */) AS standing, api.state_v1($1) AS state",
    types: &[Type::JSONB],
};

/// What a verified token says of its bearer. A statement makes the caller known and asks how they stand,
/// unless that is known.
///
/// No `Debug`: names and addresses are private.
#[derive(Clone)]
pub struct Identity<'a> {
    /// The token's `sub`.
    pub user_id: Uuid,
    /// The token's `sid`; a service account has none.
    pub session: Option<&'a str>,
    /// The token's `iat`.
    pub issued_at: OffsetDateTime,
    /// The name to sign in with; some tokens say none.
    pub username: Option<&'a str>,
    /// The name to be called by.
    pub name: Option<&'a str>,
    /// The address to write to.
    pub email: Option<&'a str>,
    /// Those of our roles that the token carries.
    pub roles: &'a [UserRole],
    /// What the caller may do.
    pub permissions: Permissions,
    /// Whether the cache vouches for them: seen in the last minutes, and in good standing.
    pub vouched_for: bool,
}

/// What the database told, besides what it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told<T> {
    /// What it was asked for.
    pub value: T,
    /// How the caller's account stands, if nobody vouched for them.
    pub state: Option<AccountState>,
    /// How far the answer is: the version of a task, or the caller's `write_seq`.
    pub reached: Option<i64>,
}

/// The type `app.caller`.
#[derive(Serialize)]
struct Wire<'a> {
    id: Uuid,
    session: Option<&'a str>,
    issued_at: String,
    username: Option<&'a str>,
    name: Option<&'a str>,
    email: Option<&'a str>,
    roles: Vec<&'static str>,
    permissions: Vec<&'static str>,
}

impl Identity<'_> {
    pub(crate) fn to_json(&self) -> Value {
        json!(Wire {
            id: self.user_id,
            session: self.session,
            issued_at: self.issued_at.format(&Rfc3339).unwrap_or_default(),
            username: self.username,
            name: self.name,
            email: self.email,
            roles: self.roles.iter().map(|role| role.name()).collect(),
            permissions: self.permissions.iter().map(Permission::name).collect(),
        })
    }
}

/// Judges the column `standing`, and reads the column `state`; both are NULL if the statement was not to
/// ask.
pub(crate) fn judge(statement: &Statement, row: &Row) -> Result<Option<AccountState>, DbError> {
    let state = state(statement, row)?;
    match column::<Option<&str>>(statement, row, "standing")? {
        None | Some("good") => Ok(state),
        Some("revoked") => Err(DbError::Caller(BadStanding::Revoked, state)),
        Some("disabled") => Err(DbError::Caller(BadStanding::Disabled, state)),
        Some(_) => Err(DbError::Refused(format!("{}: unknown standing", statement.name))),
    }
}

/// The column `state`.
pub(crate) fn state(statement: &Statement, row: &Row) -> Result<Option<AccountState>, DbError> {
    let state: Option<Value> = column(statement, row, "state")?;
    state
        .map(serde_json::from_value)
        .transpose()
        .map_err(|_| DbError::Refused(format!("{}: the state is unreadable", statement.name)))
}

impl<R: Role> Db<R> {
    /// Makes the caller known, and refuses one whose token does not count any more. For requests
    /// without a statement of their own that does.
    pub async fn greet(&self, caller: &Identity<'_>) -> Result<Told<()>, DbError> {
        let rows = self.on_writer(&GREET, &[&caller.to_json()]).await?;
        let state = judge(&GREET, &one_row(&GREET, rows)?)?;
        Ok(Told { value: (), state, reached: None })
    }
}
