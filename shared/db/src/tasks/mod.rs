//! Tasks.

mod change;
mod list;
mod list_sql;

pub(crate) use change::{CREATE, DELETE, RESTORE, UPDATE};
pub use list::{ListTasks, TOTAL_CAP, TaskPage, Window};
pub(crate) use list_sql::LISTS;

use domain::{Permission, Task};
use serde_json::Value;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::error::DbError;
use crate::handle::{Db, Read, column};
use crate::identity::Identity;
use crate::statement::Statement;

pub(crate) const FIND: Statement = Statement {
    name: "tasks.find",
    sql: "-- tasks.find
SELECT
    CASE WHEN $1 /* greet */ THEN api.greet_v1($2 /* caller */) END AS standing,
    (SELECT write_seq FROM app.user_state WHERE user_id = $3 /* user */) AS write_seq,
    api.find_task_v1($4 /* task */, $5 /* deleted too */) AS task",
    types: &[Type::BOOL, Type::JSONB, Type::UUID, Type::UUID, Type::BOOL],
};

impl Db<Read> {
    /// The task of that id, whoever may see it: the caller of this function decides that.
    pub async fn find_task(
        &self,
        caller: &Identity<'_>,
        id: Uuid,
        deleted_too: bool,
    ) -> Result<Option<Task>, DbError> {
        // Who sees only their own tasks can be told by a reader that none of them has changed.
        let own = !caller.permissions.has(Permission::TasksReadAll);
        let row = self.read(&FIND, caller, own, &[&id, &deleted_too]).await?;
        let task: Option<Value> = column(&FIND, &row, "task")?;
        task.map(|json| task_of(&FIND, json)).transpose()
    }
}

/// The task in a column that `api.task_json_v1` made. One form for reads, answers and replays, so
/// that they are the same bytes.
fn task_of(statement: &Statement, json: Value) -> Result<Task, DbError> {
    serde_json::from_value(json)
        .map_err(|_| DbError::Refused(format!("{}: the row is not a task", statement.name)))
}
