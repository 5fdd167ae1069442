//! Changing tasks: one function of schema `api` each, and so one commit.

use domain::{NewTask, Task};
use serde::Serialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::error::DbError;
use crate::handle::{Db, Write};
use crate::identity::Identity;
use crate::operation::{Change, Operation};
use crate::statement::Statement;

pub(crate) const CREATE: Statement = Statement {
    name: "tasks.create",
    sql: "-- tasks.create
SELECT
    api.create_task_v2($1 /* caller */, $3 /* operation */, $4 /* fields */) AS answer,
    CASE WHEN $2 /* ask */ THEN api.state_v1($1) END AS state",
    types: &[Type::JSONB, Type::BOOL, Type::JSONB, Type::JSONB],
};

pub(crate) const UPDATE: Statement = Statement {
    name: "tasks.update",
    sql: "-- tasks.update
SELECT
    api.update_task_v1(
        $1 /* caller */, $3 /* operation */, $4 /* task */, $5 /* fields */, $6 /* versions */
    ) AS answer,
    CASE WHEN $2 /* ask */ THEN api.state_v1($1) END AS state",
    types: &[Type::JSONB, Type::BOOL, Type::JSONB, Type::UUID, Type::JSONB, Type::INT8_ARRAY],
};

pub(crate) const DELETE: Statement = Statement {
    name: "tasks.delete",
    sql: "-- tasks.delete
SELECT
    api.delete_task_v1(
        $1 /* caller */, $3 /* operation */, $4 /* task */, $5 /* versions */
    ) AS answer,
    CASE WHEN $2 /* ask */ THEN api.state_v1($1) END AS state",
    types: &[Type::JSONB, Type::BOOL, Type::JSONB, Type::UUID, Type::INT8_ARRAY],
};

pub(crate) const RESTORE: Statement = Statement {
    name: "tasks.restore",
    sql: "-- tasks.restore
SELECT
    api.restore_task_v1(
        $1 /* caller */, $3 /* operation */, $4 /* task */, $5 /* versions */
    ) AS answer,
    CASE WHEN $2 /* ask */ THEN api.state_v1($1) END AS state",
    types: &[Type::JSONB, Type::BOOL, Type::JSONB, Type::UUID, Type::INT8_ARRAY],
};

impl Db<Write> {
    /// Creates a task, whose id is the operation's. The caller becomes its owner.
    pub async fn create_task(
        &self,
        caller: &Identity<'_>,
        operation: &Operation<'_>,
        new: &NewTask,
    ) -> Result<Change<Task>, DbError> {
        let fields = fields(&CREATE, new)?;
        self.change(&CREATE, caller, operation, &[&fields]).await
    }

    /// Sets the fields that are there in the JSON form of `fields`. `versions`: those that the client
    /// accepts, none for any.
    pub async fn update_task(
        &self,
        caller: &Identity<'_>,
        operation: &Operation<'_>,
        id: Uuid,
        fields: &(impl Serialize + Sync),
        versions: Option<&[i64]>,
    ) -> Result<Change<Task>, DbError> {
        let fields = self::fields(&UPDATE, fields)?;
        self.change(&UPDATE, caller, operation, &[&id, &fields, &versions]).await
    }

    /// Moves a task to the trash.
    pub async fn delete_task(
        &self,
        caller: &Identity<'_>,
        operation: &Operation<'_>,
        id: Uuid,
        versions: Option<&[i64]>,
    ) -> Result<Change<IgnoredAny>, DbError> {
        self.change(&DELETE, caller, operation, &[&id, &versions]).await
    }

    /// Takes a task out of the trash.
    pub async fn restore_task(
        &self,
        caller: &Identity<'_>,
        operation: &Operation<'_>,
        id: Uuid,
        versions: Option<&[i64]>,
    ) -> Result<Change<Task>, DbError> {
        self.change(&RESTORE, caller, operation, &[&id, &versions]).await
    }
}

/// The fields of a task as one JSON object; the names are the columns'.
fn fields(statement: &Statement, fields: &impl Serialize) -> Result<Value, DbError> {
    serde_json::to_value(fields)
        .map_err(|_| DbError::Refused(format!("{}: the fields are no JSON", statement.name)))
}
