//! Tasks.

use domain::{NewTask, Private, Task, Timestamp};
use serde_json::Value;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::error::DbError;
use crate::handle::{Db, Read, Write, column, one_row};
use crate::standing::{Session, Standing};
use crate::statement::Statement;

pub(crate) const FIND: Statement = Statement {
    name: "tasks.find",
    sql: "-- tasks.find
SELECT api.standing_v1($1 /* user */, $2 /* session */, $3 /* issued at */) AS standing,
    (
        SELECT api.task_json_v1(t) FROM app.tasks AS t
        WHERE t.id = $4 /* task */ AND (t.deleted_at IS NULL OR $5 /* deleted too */)
    ) AS task",
    types: &[Type::UUID, Type::TEXT, Type::TIMESTAMPTZ, Type::UUID, Type::BOOL],
};

pub(crate) const CREATE: Statement = Statement {
    name: "tasks.create",
    sql: "-- tasks.create
SELECT outcome, task FROM api.create_task_v1(
    $1 /* user */, $2 /* session */, $3 /* issued at */,
    $4 /* key */, $5 /* fingerprint */,
    $6 /* id */, $7 /* title */, $8 /* description */, $9 /* status */, $10 /* priority */,
    $11 /* due at */, $12 /* labels */, $13 /* assignee */,
    $14 /* event */, $15 /* request */, $16 /* traceparent */
)",
    types: &[
        Type::UUID,
        Type::TEXT,
        Type::TIMESTAMPTZ,
        Type::TEXT,
        Type::BYTEA,
        Type::UUID,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::TIMESTAMPTZ,
        Type::TEXT_ARRAY,
        Type::UUID,
        Type::UUID,
        Type::TEXT,
        Type::TEXT,
    ],
};

/// What a client sent to make its request repeatable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// The key, 1 to 255 visible characters.
    pub key: String,
    /// What the request asks for: the same key with another fingerprint is refused.
    pub fingerprint: [u8; 32],
}

/// A task to create.
#[derive(Clone, Copy, Debug)]
pub struct CreateTask<'a> {
    /// The id of the task to be. It names this request: further attempts must carry the same.
    pub id: Uuid,
    /// The id of its event.
    pub event_id: Uuid,
    /// The writable fields.
    pub new: &'a NewTask,
    /// The client's key, if it sent one.
    pub key: Option<&'a IdempotencyKey>,
    /// The request, for the event.
    pub request_id: &'a str,
    /// The trace, for whoever handles the event.
    pub traceparent: &'a str,
}

/// What came of a create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CreateOutcome {
    /// The task and its event are committed.
    Created(Task),
    /// An earlier request with this key did it; this is its answer.
    Replayed(Task),
    /// The key was used for another request.
    KeyReused,
    /// The assignee is no known, active user.
    AssigneeUnknown,
    /// The caller's token does not count any more.
    Refused(Standing),
}

impl Db<Read> {
    /// The task of that id, whoever may see it: the caller of this function decides that.
    pub async fn find_task(
        &self,
        session: &Session<'_>,
        id: Uuid,
        deleted_too: bool,
    ) -> Result<(Standing, Option<Task>), DbError> {
        let rows = self
            .on_writer(
                &FIND,
                &[&session.user_id, &session.id, &session.issued_at, &id, &deleted_too],
            )
            .await?;
        let row = one_row(&FIND, rows)?;
        let standing = Standing::parse(&FIND, column(&FIND, &row, "standing")?)?;
        let task: Option<Value> = column(&FIND, &row, "task")?;
        Ok((standing, task.map(|json| task_of(&FIND, json)).transpose()?))
    }
}

impl Db<Write> {
    /// Creates a task and its event, and the record of its key, in one commit.
    pub async fn create_task(
        &self,
        session: &Session<'_>,
        create: &CreateTask<'_>,
    ) -> Result<CreateOutcome, DbError> {
        let new = create.new;
        let labels: Vec<&str> = new.labels.iter().map(|label| label.expose().as_str()).collect();
        let rows = self
            .on_writer(
                &CREATE,
                &[
                    &session.user_id,
                    &session.id,
                    &session.issued_at,
                    &create.key.map(|key| key.key.as_str()),
                    &create.key.map(|key| key.fingerprint.as_slice()),
                    &create.id,
                    new.title.expose(),
                    &new.description.as_ref().map(Private::expose),
                    &new.status.name(),
                    &new.priority.name(),
                    &new.due_at.map(Timestamp::to_offset_date_time),
                    &labels,
                    &new.assignee_id,
                    &create.event_id,
                    &create.request_id,
                    &create.traceparent,
                ],
            )
            .await?;
        let row = one_row(&CREATE, rows)?;
        let task: Option<Value> = column(&CREATE, &row, "task")?;
        Ok(match (column(&CREATE, &row, "outcome")?, task) {
            ("created", Some(task)) => CreateOutcome::Created(task_of(&CREATE, task)?),
            ("replayed", Some(task)) => CreateOutcome::Replayed(task_of(&CREATE, task)?),
            ("key-reused", _) => CreateOutcome::KeyReused,
            ("assignee-unknown", _) => CreateOutcome::AssigneeUnknown,
            (other, _) => CreateOutcome::Refused(Standing::parse(&CREATE, other)?),
        })
    }
}

/// The task in a column that `api.task_json_v1` made. One form for reads, answers and replays, so
/// that they are the same bytes.
fn task_of(statement: &Statement, json: Value) -> Result<Task, DbError> {
    serde_json::from_value(json)
        .map_err(|_| DbError::Refused(format!("{}: the row is not a task", statement.name)))
}
