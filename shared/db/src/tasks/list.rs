//! Lists of tasks.
//!
//! One statement for each order, because a direction cannot be a parameter; the rest of the text is the
//! same. It is planned anew at each call, with the values: a filter that is not asked for falls away,
//! and what is left finds its index.

use domain::listing::{Assignee, Filter, Key, Position, Scope, Sort, SortKey};
use domain::{Task, Timestamp};
use serde_json::Value;
use time::OffsetDateTime;
use tokio_postgres::types::Type;

use super::task_of;
use crate::error::DbError;
use crate::handle::{Db, Read, column};
use crate::identity::Identity;
use crate::pattern;
use crate::statement::Statement;

/// How far a total is counted.
pub const TOTAL_CAP: i64 = 10_000;

/// Which tasks a list is about: a condition on `t`.
macro_rules! filtered {
    () => {
        "($4::uuid IS NULL OR t.user_id = $4 /* owned by the caller */)
            AND ($5::uuid IS NULL OR t.assignee_id = $5 /* assigned to the caller */)
            AND ($6::uuid IS NULL OR t.user_id = $6 /* owner */)
            AND ($7::uuid IS NULL OR t.assignee_id = $7 /* assignee */)
            AND (NOT $8 OR t.assignee_id IS NULL /* nobody assigned */)
            AND CASE WHEN $9 /* trash */ THEN t.deleted_at IS NOT NULL ELSE t.deleted_at IS NULL END
            AND ($10::text[] IS NULL OR t.status = ANY ($10) /* statuses */)
            AND ($11::text[] IS NULL OR t.priority = ANY ($11) /* priorities */)
            AND ($12::text[] IS NULL OR t.labels @> $12 /* labels */)
            AND ($13::text IS NULL OR t.title ILIKE $13 OR t.description ILIKE $13 /* q */)
            AND ($14::timestamptz IS NULL OR t.created_at > $14 /* created after */)
            AND ($15::timestamptz IS NULL OR t.created_at < $15 /* created before */)
            AND ($16::timestamptz IS NULL OR t.updated_at > $16 /* updated after */)
            AND ($17::timestamptz IS NULL OR t.due_at > $17 /* due after */)
            AND ($18::timestamptz IS NULL OR t.due_at < $18 /* due before */)
            AND (
                $19::boolean IS NULL /* overdue */
                OR $19 = (t.due_at < now() AND t.status IN ('pending', 'in_progress')) IS TRUE
            )"
    };
}

/// A list in one order, and what comes after a row in it: `$25` is the row's time, `$26` its rank,
/// `$27` its id.
macro_rules! list {
    ($name:literal, by $order:literal, after $after:literal) => {
        Statement {
            name: concat!("tasks.list.", $name),
            sql: concat!(
                "-- tasks.list.",
                $name,
                "
SELECT
    CASE WHEN $1 /* greet */ THEN api.greet_v1($2 /* caller */) END AS standing,
    s.write_seq,
    CASE
        WHEN NOT $22 /* with a total */ THEN NULL
        WHEN $23 /* all that the caller owns */ THEN least(s.task_count, $28 /* cap */ + 1)
        ELSE (
            SELECT count(*) FROM (
                SELECT FROM app.tasks AS t
                WHERE ",
                filtered!(),
                "
                LIMIT $28 + 1
            ) AS counted
        )
    END AS total,
    ARRAY(
        SELECT api.task_json_v1(page.t) FROM (
            SELECT t FROM app.tasks AS t
            WHERE ",
                filtered!(),
                "
            AND (NOT $24 /* after a row */ OR ",
                $after,
                ")
            ORDER BY ",
                $order,
                "
            LIMIT $20 /* rows */ OFFSET $21 /* skipped */
        ) AS page
    ) AS tasks
FROM (SELECT) AS one
LEFT JOIN app.user_state AS s ON s.user_id = $3 /* user */"
            ),
            types: TYPES,
        }
    };
}

const TYPES: &[Type] = &[
    Type::BOOL,
    Type::JSONB,
    Type::UUID,
    Type::UUID,
    Type::UUID,
    Type::UUID,
    Type::UUID,
    Type::BOOL,
    Type::BOOL,
    Type::TEXT_ARRAY,
    Type::TEXT_ARRAY,
    Type::TEXT_ARRAY,
    Type::TEXT,
    Type::TIMESTAMPTZ,
    Type::TIMESTAMPTZ,
    Type::TIMESTAMPTZ,
    Type::TIMESTAMPTZ,
    Type::TIMESTAMPTZ,
    Type::BOOL,
    Type::INT8,
    Type::INT8,
    Type::BOOL,
    Type::BOOL,
    Type::BOOL,
    Type::TIMESTAMPTZ,
    Type::INT4,
    Type::UUID,
    Type::INT8,
];

const NEWEST: Statement = list!("newest",
    by "t.created_at DESC, t.id DESC",
    after "(t.created_at, t.id) < ($25, $27)");
const OLDEST: Statement = list!("oldest",
    by "t.created_at, t.id",
    after "(t.created_at, t.id) > ($25, $27)");
const LAST_CHANGED: Statement = list!("last_changed",
    by "t.updated_at DESC, t.id DESC",
    after "(t.updated_at, t.id) < ($25, $27)");
const FIRST_CHANGED: Statement = list!("first_changed",
    by "t.updated_at, t.id",
    after "(t.updated_at, t.id) > ($25, $27)");
const LAST_DUE: Statement = list!("last_due",
    by "t.due_at DESC NULLS LAST, t.id DESC",
    after "CASE
                WHEN $25 IS NULL THEN t.due_at IS NULL AND t.id < $27
                ELSE (t.due_at, t.id) < ($25, $27) OR t.due_at IS NULL
            END");
const FIRST_DUE: Statement = list!("first_due",
    by "t.due_at NULLS LAST, t.id",
    after "CASE
                WHEN $25 IS NULL THEN t.due_at IS NULL AND t.id > $27
                ELSE (t.due_at, t.id) > ($25, $27) OR t.due_at IS NULL
            END");
const MOST_URGENT: Statement = list!("most_urgent",
    by "array_position('{low,normal,high,urgent}', t.priority) DESC, t.id DESC",
    after "(array_position('{low,normal,high,urgent}', t.priority), t.id) < ($26, $27)");
const LEAST_URGENT: Statement = list!("least_urgent",
    by "array_position('{low,normal,high,urgent}', t.priority), t.id",
    after "(array_position('{low,normal,high,urgent}', t.priority), t.id) > ($26, $27)");

/// The lists, for whoever looks at every statement.
pub(crate) const LISTS: [Statement; 8] =
    [NEWEST, OLDEST, LAST_CHANGED, FIRST_CHANGED, LAST_DUE, FIRST_DUE, MOST_URGENT, LEAST_URGENT];

const fn statement_of(sort: Sort) -> &'static Statement {
    match (sort.key, sort.descending) {
        (SortKey::CreatedAt, true) => &NEWEST,
        (SortKey::CreatedAt, false) => &OLDEST,
        (SortKey::UpdatedAt, true) => &LAST_CHANGED,
        (SortKey::UpdatedAt, false) => &FIRST_CHANGED,
        (SortKey::DueAt, true) => &LAST_DUE,
        (SortKey::DueAt, false) => &FIRST_DUE,
        (SortKey::Priority, true) => &MOST_URGENT,
        (SortKey::Priority, false) => &LEAST_URGENT,
    }
}

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

/// A part of a list.
#[derive(Clone, Debug)]
pub struct TaskPage {
    /// The tasks.
    pub tasks: Vec<Task>,
    /// Whether there are more after them.
    pub more: bool,
    /// How many there are in the whole list, if that was asked; above [`TOTAL_CAP`] only that.
    pub total: Option<i64>,
}

impl Db<Read> {
    /// A part of a list of tasks. What the caller may not see is no part of it: `Scope::All` is for
    /// those who may read everything, and the caller of this function makes sure of that.
    pub async fn list_tasks(
        &self,
        caller: &Identity<'_>,
        list: &ListTasks<'_>,
    ) -> Result<TaskPage, DbError> {
        let statement = statement_of(list.sort);
        let filter = list.filter;
        let me = caller.user_id;
        let owned = (list.scope == Scope::Owned).then_some(me);
        let assigned = (list.scope == Scope::Assigned).then_some(me);
        let (assignee, nobody) = match filter.assignee {
            None => (None, false),
            Some(Assignee::Me) => (Some(me), false),
            Some(Assignee::Is(user)) => (Some(user), false),
            Some(Assignee::Nobody) => (None, true),
        };
        let statuses: Option<Vec<&str>> =
            filter.statuses.as_ref().map(|all| all.iter().map(|one| one.name()).collect());
        let priorities: Option<Vec<&str>> =
            filter.priorities.as_ref().map(|all| all.iter().map(|one| one.name()).collect());
        let labels: Vec<&str> = filter.labels.iter().map(|label| label.expose().as_str()).collect();
        let labels = (!labels.is_empty()).then_some(labels);
        let text = filter.text.as_ref().map(|text| pattern::containing(text.expose()));
        // One more than is shown tells whether there are more.
        let rows = i64::from(list.limit) + 1;
        let (after, skipped, with_total) = match &list.window {
            Window::After(position) => (position.as_ref(), 0, false),
            Window::Skip(rows) => (None, *rows, true),
        };
        let everything_owned = list.scope == Scope::Owned && *filter == Filter::default();
        let (time, rank) = match after.map(|position| &position.key) {
            Some(Key::Time(time)) => (time.map(Timestamp::to_offset_date_time), None),
            Some(Key::Rank(rank)) => (None, Some(*rank)),
            None => (None, None),
        };
        let row = self
            .read(
                statement,
                caller,
                list.scope != Scope::All,
                &[
                    &owned,
                    &assigned,
                    &filter.owner,
                    &assignee,
                    &nobody,
                    &filter.deleted,
                    &statuses,
                    &priorities,
                    &labels,
                    &text,
                    &instant(filter.created_after),
                    &instant(filter.created_before),
                    &instant(filter.updated_after),
                    &instant(filter.due_after),
                    &instant(filter.due_before),
                    &filter.overdue,
                    &rows,
                    &skipped,
                    &with_total,
                    &everything_owned,
                    &after.is_some(),
                    &time,
                    &rank,
                    &after.map(|position| position.id),
                    &TOTAL_CAP,
                ],
            )
            .await?;
        let tasks: Vec<Value> = column(statement, &row, "tasks")?;
        let mut tasks: Vec<Task> =
            tasks.into_iter().map(|json| task_of(statement, json)).collect::<Result<_, _>>()?;
        let more = tasks.len() > usize::from(list.limit);
        tasks.truncate(list.limit.into());
        let total: Option<i64> = column(statement, &row, "total")?;
        // Who has never touched a task has no counter yet.
        let total = with_total.then(|| total.unwrap_or_default());
        Ok(TaskPage { tasks, more, total })
    }
}

fn instant(time: Option<Timestamp>) -> Option<OffsetDateTime> {
    time.map(Timestamp::to_offset_date_time)
}
