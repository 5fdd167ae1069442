//! The caller, as they see themselves.

use domain::Me;
use serde_json::{Map, Value};
use tokio_postgres::types::Type;

use crate::call::Parameters;
use crate::error::DbError;
use crate::handle::{Db, Read, Write, column, one_row};
use crate::identity::{Identity, Told, state};
use crate::operation::{Change, Operation, Outcome, change_of};
use crate::statement::Statement;

pub(crate) const GET: Statement = Statement {
    name: "me.get",
    sql: "-- me.get
SELECT
    api.me_v1($1 /* caller */) AS answer,
    CASE WHEN $2 /* ask */ THEN api.state_v1($1) END AS state",
    types: &[Type::JSONB, Type::BOOL],
};

pub(crate) const UPDATE: Statement = Statement {
    name: "me.update",
    sql: "-- me.update
SELECT
    api.update_me_v1(
        $1 /* caller */, $3 /* operation */, $4 /* preferences */, $5 /* time zone */
    ) AS answer,
    CASE WHEN $2 /* ask */ THEN api.state_v1($1) END AS state",
    types: &[Type::JSONB, Type::BOOL, Type::JSONB, Type::JSONB, Type::TEXT],
};

impl Db<Read> {
    /// The caller. From the writer, which makes the caller known.
    pub async fn me(&self, caller: &Identity<'_>) -> Result<Told<Me>, DbError> {
        let parameters: Parameters<'_> = &[&caller.to_json(), &!caller.vouched_for];
        let row = one_row(&GET, self.on_writer(&GET, parameters).await?)?;
        let state = state(&GET, &row)?;
        let change = change_of(&GET, column(&GET, &row, "answer")?, state)?;
        match change.outcome {
            Outcome::Done(me) => Ok(Told { value: me, state: change.state, reached: None }),
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
    ) -> Result<Change<Me>, DbError> {
        let preferences = Value::Object(preferences.clone());
        self.change(&UPDATE, caller, operation, &[&preferences, &time_zone]).await
    }
}
