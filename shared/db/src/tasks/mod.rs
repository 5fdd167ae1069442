//! Tasks.

mod change;
pub(crate) mod conditions;
mod list;
mod list_sql;

pub(crate) use change::{CREATE, DELETE, RESTORE, UPDATE};
pub use list::{ListTasks, TOTAL_CAP, Window};
pub(crate) use list_sql::LISTS;

use domain::Task;
use serde_json::Value;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::error::DbError;
use crate::handle::{Db, Read, column};
use crate::identity::{Identity, Told};
use crate::statement::Statement;

pub(crate) const FIND: Statement = Statement {
    name: "tasks.find",
    sql: "-- tasks.find
SELECT
    CASE WHEN $1 /* greet */ THEN api.greet_v1($2 /* caller */) END AS standing,
    CASE WHEN $1 THEN api.state_v1($2) END AS state,
    api.find_task_v1($3 /* task */, $4 /* deleted too */) AS task",
    types: &[Type::BOOL, Type::JSONB, Type::UUID, Type::BOOL],
};

impl Db<Read> {
    /// The task of that id, whoever may see it: the caller of this function decides that. A reader may
    /// answer that has seen version `floor`.
    pub async fn find_task(
        &self,
        caller: &Identity<'_>,
        id: Uuid,
        deleted_too: bool,
        floor: Option<i64>,
    ) -> Result<Told<Option<Task>>, DbError> {
        self.read(&FIND, caller, floor, &[&id, &deleted_too], |row| {
            let task: Option<Value> = column(&FIND, row, "task")?;
            let task = task.map(|json| task_of(&FIND, json)).transpose()?;
            // What is not there has no version: only the writer knows that it is not there.
            let version = task.as_ref().map(|task| task.version);
            Ok((task, version))
        })
        .await
    }
}

/// The task in a column that `api.task_json_v1` made. One form for reads, answers and replays, so
/// that they are the same bytes.
fn task_of(statement: &Statement, json: Value) -> Result<Task, DbError> {
    serde_json::from_value(json)
        .map_err(|_| DbError::Refused(format!("{}: the row is not a task", statement.name)))
}
