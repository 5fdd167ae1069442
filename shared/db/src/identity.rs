//! Who calls, as the database needs to know them.

use domain::{Permission, Permissions, Role as UserRole};
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
SELECT
    api.greet_v1($1 /* caller */) AS standing,
    (SELECT write_seq FROM app.user_state WHERE user_id = $2 /* user */) AS write_seq",
    types: &[Type::JSONB, Type::UUID],
};

/// The same for a role that may not look at the counters.
pub(crate) const GREET_ONLY: Statement = Statement {
    name: "callers.greet_only",
    sql: "-- callers.greet_only
SELECT api.greet_v1($1 /* caller */) AS standing",
    types: &[Type::JSONB],
};

/// What a verified token says of its bearer. Every statement is told, and makes the caller known.
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

/// Judges the column `standing`; NULL if the statement was not to ask.
pub(crate) fn judge(statement: &Statement, row: &Row) -> Result<(), DbError> {
    match column::<Option<&str>>(statement, row, "standing")? {
        None | Some("good") => Ok(()),
        Some("revoked") => Err(DbError::Caller(BadStanding::Revoked)),
        Some("disabled") => Err(DbError::Caller(BadStanding::Disabled)),
        Some(_) => Err(DbError::Refused(format!("{}: unknown standing", statement.name))),
    }
}

impl<R: Role> Db<R> {
    /// Makes the caller known, and refuses one whose token does not count any more. For requests
    /// without a statement of their own that does.
    pub async fn greet(&self, caller: &Identity<'_>) -> Result<(), DbError> {
        let rows = self.on_writer(&GREET_ONLY, &[&caller.to_json()]).await?;
        judge(&GREET_ONLY, &one_row(&GREET_ONLY, rows)?)
    }
}
