//! Reading what is exported: a walk through all tasks that may be wanted, newest first, in steps that
//! never take long.
//!
//! A step looks at so many tasks, along an index, whatever is wanted of them: a rare condition makes the
//! walk no harder than none, where a page of what is wanted could take longer than a statement may. When
//! a task was made does not change, so each task that is there all the time is met exactly once.
//!
//! A step reads from the reader, if that has seen the lease of the work: then it has seen all that was
//! committed before the work began, and so all that whoever asked for the export had been told of.

use domain::listing::{Filter, Scope};
use serde::Deserialize;
use time::OffsetDateTime;
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};
use uuid::Uuid;

use super::work::{Lease, Order};
use crate::error::DbError;
use crate::handle::{Db, Work, column};
use crate::statement::Statement;
use crate::tasks::conditions::{Conditions, looked_at, wanted};

/// A step: `$1` is the export, `$2` the lease, `$20` to `$22` the place after which it begins, `$23` how
/// many tasks it looks at.
macro_rules! step {
    ($name:literal, $answer:literal) => {
        Statement {
            name: concat!("exports.", $name),
            sql: concat!(
                "-- exports.",
                $name,
                "
WITH walked AS MATERIALIZED (
    SELECT t FROM app.tasks AS t
    WHERE ",
                looked_at!(),
                "
        AND (NOT $20 /* after a row */ OR (t.created_at, t.id) < ($21, $22))
    ORDER BY t.created_at DESC, t.id DESC
    LIMIT $23 /* rows */
),
found AS (
    SELECT w.t AS task, t.* FROM walked AS w, LATERAL (SELECT (w.t).*) AS t
    WHERE ",
                wanted!(),
                "
)
SELECT
    (SELECT count(*) FROM walked) AS walked,
    last.created_at AS last_time,
    last.id AS last_id,
    ",
                $answer,
                "
FROM (SELECT FROM app.exports AS e WHERE e.id = $1 /* export */ AND e.lease = $2 /* holder */) AS work
LEFT JOIN LATERAL (
    SELECT (w.t).created_at, (w.t).id FROM walked AS w ORDER BY 1, 2 LIMIT 1
) AS last ON true"
            ),
            types: TYPES,
        }
    };
}

const TYPES: &[Type] = &[
    Type::UUID,
    Type::UUID,
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
    Type::BOOL,
    Type::TIMESTAMPTZ,
    Type::UUID,
    Type::INT8,
];

pub(crate) const ROWS: Statement = step!(
    "rows",
    "ARRAY(
        SELECT api.task_json_v1(f.task)::text FROM found AS f ORDER BY f.created_at DESC, f.id DESC
    ) AS tasks"
);

pub(crate) const COUNT: Statement = step!(
    "count",
    "ARRAY(
        SELECT to_jsonb(g)::text FROM (
            SELECT
                f.status,
                f.priority,
                (f.due_at < now() AND f.status IN ('pending', 'in_progress')) IS TRUE AS overdue,
                (f.created_at AT TIME ZONE 'UTC')::date AS created,
                (f.completed_at AT TIME ZONE 'UTC')::date AS completed,
                count(*) AS tasks
            FROM found AS f GROUP BY 1, 2, 3, 4, 5
        ) AS g
    ) AS groups"
);

/// Where a walk is, and who walks.
#[derive(Clone, Debug)]
pub struct Walk<'a> {
    lease: &'a Lease,
    owner: Uuid,
    scope: Scope,
    filter: &'a Filter,
    after: Option<(OffsetDateTime, Uuid)>,
    over: bool,
}

/// What a step came by.
pub struct Walked(Row);

impl Walked {
    /// The tasks, each as the JSON of the API.
    pub fn tasks(&self) -> Result<Vec<&str>, DbError> {
        column(&ROWS, &self.0, "tasks")
    }
}

/// Tasks that are counted together.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Group {
    /// Their status.
    pub status: domain::Status,
    /// Their priority.
    pub priority: domain::Priority,
    /// Whether they are overdue.
    pub overdue: bool,
    /// The day on which they were made, in UTC, as 2026-01-31.
    pub created: String,
    /// The day on which they were completed, if they are.
    pub completed: Option<String>,
    /// How many there are.
    pub tasks: i64,
}

impl<'a> Walk<'a> {
    /// The walk of an order, at its beginning.
    pub const fn of(lease: &'a Lease, order: &'a Order) -> Self {
        Self {
            lease,
            owner: order.owner,
            scope: order.scope,
            filter: &order.filter,
            after: None,
            over: false,
        }
    }

    /// Whether there is nothing more to see.
    pub const fn is_over(&self) -> bool {
        self.over
    }
}

impl Db<Work> {
    /// The next tasks of a walk, of `most` that are looked at. Nothing: the lease is lost.
    pub async fn walk_rows(
        &self,
        walk: &mut Walk<'_>,
        most: u32,
    ) -> Result<Option<Walked>, DbError> {
        Ok(self.step(&ROWS, walk, most).await?.map(Walked))
    }

    /// The next tasks of a walk, counted. Nothing: the lease is lost.
    pub async fn walk_counts(
        &self,
        walk: &mut Walk<'_>,
        most: u32,
    ) -> Result<Option<Vec<Group>>, DbError> {
        let Some(row) = self.step(&COUNT, walk, most).await? else { return Ok(None) };
        let groups: Vec<&str> = column(&COUNT, &row, "groups")?;
        let groups: Result<_, _> = groups.into_iter().map(serde_json::from_str).collect();
        let unreadable = |_| DbError::Refused(format!("{}: a group is unreadable", COUNT.name));
        groups.map(Some).map_err(unreadable)
    }

    async fn step(
        &self,
        statement: &Statement,
        walk: &mut Walk<'_>,
        most: u32,
    ) -> Result<Option<Row>, DbError> {
        let conditions = Conditions::of(walk.owner, walk.scope, walk.filter);
        let (time, id) = walk.after.unzip();
        let (goes_on, most) = (walk.after.is_some(), i64::from(most));
        let mut parameters: Vec<&(dyn ToSql + Sync)> = vec![&walk.lease.export, &walk.lease.holder];
        parameters.extend_from_slice(&conditions.parameters());
        let rest: [&(dyn ToSql + Sync); 4] = [&goes_on, &time, &id, &most];
        parameters.extend_from_slice(&rest);

        // Who sees no row has not seen the lease: a reader that lags, or a lease that is lost.
        let mut row = None;
        if let Some(reader) = self.reader()
            && !reader.is_left_alone()
        {
            row = reader.ask(statement, &parameters).await.and_then(|rows| rows.into_iter().next());
        }
        if row.is_none() {
            row = self.on_writer(statement, &parameters).await?.into_iter().next();
        }
        let Some(row) = row else { return Ok(None) };
        let walked: i64 = column(statement, &row, "walked")?;
        let last: (Option<OffsetDateTime>, Option<Uuid>) =
            (column(statement, &row, "last_time")?, column(statement, &row, "last_id")?);
        walk.after = last.0.zip(last.1).or(walk.after);
        walk.over = walked < most;
        Ok(Some(row))
    }
}
