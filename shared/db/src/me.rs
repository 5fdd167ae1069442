//! The caller, as they see themselves.

use domain::Me;
use serde_json::{Map, Value};
use tokio_postgres::types::Type;

use crate::error::DbError;
use crate::handle::{Db, Read, Write, column, one_row};
use crate::identity::Identity;
use crate::operation::{Operation, Outcome, outcome_of};
use crate::statement::Statement;

pub(crate) const GET: Statement = Statement {
    name: "me.get",
    sql: "-- me.get
SELECT api.me_v1($1 /* caller */) AS answer",
    types: &[Type::JSONB],
};

pub(crate) const UPDATE: Statement = Statement {
    name: "me.update",
    sql: "-- me.update
SELECT api.update_me_v1(
    $1 /* caller */, $2 /* operation */, $3 /* preferences */, $4 /* time zone */
) AS answer",
    types: &[Type::JSONB, Type::JSONB, Type::JSONB, Type::TEXT],
};

impl Db<Read> {
    /// The caller. From the writer, which makes the caller known.
    pub async fn me(&self, caller: &Identity<'_>) -> Result<Me, DbError> {
        let row = one_row(&GET, self.on_writer(&GET, &[&caller.to_json()]).await?)?;
        match outcome_of(&GET, column(&GET, &row, "answer")?)? {
            Outcome::Done(me) => Ok(me),
            _ => Err(DbError::Refused(format!("{}: an outcome that cannot be", GET.name))),
        }
    }
}

impl Db<Write> {
    /// Sets what the caller prefers: what is given, by its path; null goes back to the default.
    pub async fn update_me(
        &self,
        caller: &Identity<'_>,
        operation: &Operation<'_>,
        preferences: &Map<String, Value>,
        time_zone: Option<&str>,
    ) -> Result<Outcome<Me>, DbError> {
        let preferences = Value::Object(preferences.clone());
        let (caller, operation) = (caller.to_json(), operation.to_json());
        self.change(&UPDATE, &[&caller, &operation, &preferences, &time_zone]).await
    }
}
