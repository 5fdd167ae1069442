//! Lists of tasks.

use domain::listing::{Filter, Key, Position, Scope, Sort, TaskPage};
use domain::{Task, Timestamp};
use serde_json::Value;
use time::OffsetDateTime;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::conditions::Conditions;
use super::list_sql::statement_of;
use super::task_of;
use crate::error::DbError;
use crate::handle::{Db, Read, column};
use crate::identity::{Identity, Told};

/// How far a total is counted.
pub const TOTAL_CAP: i64 = 10_000;

/// What a list is to show.
#[derive(Clone, Debug)]
pub struct ListTasks<'a> {
    /// Whose tasks.
    pub scope: Scope,
    /// Which of them.
    pub filter: &'a Filter,
    /// In which order.
    pub sort: Sort,
    /// How many.
    pub limit: u8,
    /// Which part of the list.
    pub window: Window,
}

/// A part of a list.
#[derive(Clone, Debug)]
pub enum Window {
    /// What comes after this row, or the beginning.
    After(Option<Position>),
    /// What comes after so many rows; the whole is counted, too.
    Skip(i64),
}

impl Db<Read> {
    /// A part of a list of tasks. What the caller may not see is no part of it: `Scope::All` is for
    /// those who may read everything, and the caller of this function makes sure of that. A reader may
    /// answer that has the caller's `write_seq` at `floor`; the counter speaks for what is the caller's
    /// own, and for nothing else.
    pub async fn list_tasks(
        &self,
        caller: &Identity<'_>,
        list: &ListTasks<'_>,
        floor: Option<i64>,
    ) -> Result<Told<TaskPage>, DbError> {
        let statement = statement_of(list.sort);
        let values = Values::of(caller.user_id, list);
        let floor = floor.filter(|_| list.scope != Scope::All);
        self.read(statement, caller, floor, &values.parameters(), |row| {
            let tasks: Vec<Value> = column(statement, row, "tasks")?;
            let mut tasks: Vec<Task> =
                tasks.into_iter().map(|json| task_of(statement, json)).collect::<Result<_, _>>()?;
            let more = tasks.len() > usize::from(list.limit);
            tasks.truncate(list.limit.into());
            let total = column(statement, row, "total")?;
            // Who has never touched a task has no counter yet.
            let reached: Option<i64> = column(statement, row, "write_seq")?;
            Ok((TaskPage { tasks, more, total }, Some(reached.unwrap_or_default())))
        })
        .await
    }
}

/// The values of a list's parameters, from `$3` on, in their order.
struct Values<'a> {
    conditions: Conditions<'a>,
    rows: i64,
    skipped: i64,
    with_total: bool,
    all_that_is_owned: bool,
    after_a_row: bool,
    after_time: Option<OffsetDateTime>,
    after_rank: Option<i32>,
    after_id: Option<Uuid>,
}

impl<'a> Values<'a> {
    fn of(me: Uuid, list: &ListTasks<'a>) -> Self {
        let (skipped, after) = match &list.window {
            Window::After(position) => (None, position.as_ref()),
            Window::Skip(rows) => (Some(*rows), None),
        };
        Self {
            conditions: Conditions::of(me, list.scope, list.filter),
            // One more than is shown tells whether there are more.
            rows: i64::from(list.limit) + 1,
            skipped: skipped.unwrap_or_default(),
            with_total: skipped.is_some(),
            all_that_is_owned: list.scope == Scope::Owned && *list.filter == Filter::default(),
            after_a_row: after.is_some(),
            after_time: match after.map(|row| row.key) {
                Some(Key::Time(time)) => time.map(Timestamp::to_offset_date_time),
                Some(Key::Rank(_)) | None => None,
            },
            after_rank: match after.map(|row| row.key) {
                Some(Key::Rank(rank)) => Some(rank),
                Some(Key::Time(_)) | None => None,
            },
            after_id: after.map(|row| row.id),
        }
    }

    fn parameters(&self) -> Vec<&(dyn ToSql + Sync)> {
        let mut all = self.conditions.parameters().to_vec();
        let rest: [&(dyn ToSql + Sync); 9] = [
            &self.rows,
            &self.skipped,
            &self.with_total,
            &self.all_that_is_owned,
            &self.after_a_row,
            &self.after_time,
            &self.after_rank,
            &self.after_id,
            &TOTAL_CAP,
        ];
        all.extend_from_slice(&rest);
        all
    }
}
