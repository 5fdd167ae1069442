//! What happened: the audit, and a task's history, which is its part of it.

use domain::Timestamp;
use domain::event::Kind;
use domain::history::{AuditFilter, HistoryEntry};
use domain::listing::Position;
use serde_json::Value;
use time::{Duration, OffsetDateTime};
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::call::Parameters;
use crate::error::DbError;
use crate::handle::{Db, Read, column};
use crate::identity::{Identity, Told};
use crate::statement::Statement;

pub(crate) const HISTORY: Statement = Statement {
    name: "audit.history",
    sql: "-- audit.history
SELECT
    CASE WHEN $1 /* greet */ THEN api.greet_v1($2 /* caller */) END AS standing,
    CASE WHEN $1 THEN api.state_v1($2) END AS state,
    (SELECT s.write_seq FROM app.user_state AS s WHERE s.user_id = $3 /* user */) AS write_seq,
    api.task_history_v1(
        $2, $4 /* task */, $5 /* after a version */, $6 /* after an id */, $7 /* rows */
    ) AS entries",
    types: &[Type::BOOL, Type::JSONB, Type::UUID, Type::UUID, Type::INT8, Type::UUID, Type::INT8],
};

// Planned anew at each call, with the values: what is not asked for falls away, and so do the partitions
// that cannot hold it.
pub(crate) const LIST: Statement = Statement {
    name: "audit.list",
    sql: "-- audit.list
SELECT
    CASE WHEN $1 /* greet */ THEN api.greet_v1($2 /* caller */) END AS standing,
    CASE WHEN $1 THEN api.state_v1($2) END AS state,
    ARRAY(
        SELECT a.json FROM api.audit_v1 AS a
        WHERE ($3::uuid IS NULL OR a.task_id = $3 /* task */)
            AND ($4::uuid IS NULL OR a.actor_id = $4 /* actor */)
            AND ($5::text IS NULL OR a.event = $5 /* event */)
            AND ($6::text IS NULL OR a.request_id = $6 /* request */)
            AND ($7::timestamptz IS NULL OR a.at >= $7 AND a.id >= $8 /* from */)
            AND ($9::timestamptz IS NULL OR a.at < $9 AND a.id < $10 /* to */)
            AND ($11::uuid IS NULL OR a.id < $11 /* after an id */)
        ORDER BY a.id DESC
        LIMIT $12 /* rows */
    ) AS entries",
    types: &[
        Type::BOOL,
        Type::JSONB,
        Type::UUID,
        Type::UUID,
        Type::TEXT,
        Type::TEXT,
        Type::TIMESTAMPTZ,
        Type::UUID,
        Type::TIMESTAMPTZ,
        Type::UUID,
        Type::UUID,
        Type::INT8,
    ],
};

/// Events have ids by the clocks of the functions and times by that of the database: no two of these
/// clocks differ by so much.
const CLOCKS_DIFFER: Duration = Duration::hours(1);

/// A part of the audit, newest first.
pub struct HistoryPage {
    /// The entries.
    pub entries: Vec<HistoryEntry>,
    /// Whether there are more after them.
    pub more: bool,
}

impl Db<Read> {
    /// A part of a task's history; none if there is no such task, or the caller may not know of it. A
    /// reader may answer that has the caller's `write_seq` at `floor`: it knows whose the task is, as far
    /// as that touches the caller.
    pub async fn task_history(
        &self,
        caller: &Identity<'_>,
        task: Uuid,
        after: Option<&Position<i64>>,
        limit: u8,
        floor: Option<i64>,
    ) -> Result<Told<Option<HistoryPage>>, DbError> {
        let (version, id) = after.map(|row| (row.key, row.id)).unzip();
        let rows = i64::from(limit) + 1;
        let rest: Parameters<'_> = &[&caller.user_id, &task, &version, &id, &rows];
        self.read(&HISTORY, caller, floor, rest, |row| {
            let entries: Option<Value> = column(&HISTORY, row, "entries")?;
            let Some(entries) = entries else {
                // Only the writer knows that it is not there.
                return Ok((None, None));
            };
            let entries = serde_json::from_value(entries).map_err(|_| unreadable(&HISTORY))?;
            let reached: Option<i64> = column(&HISTORY, row, "write_seq")?;
            Ok((Some(page_of(entries, limit)), Some(reached.unwrap_or_default())))
        })
        .await
    }

    /// A part of the audit. It follows what happens with some delay, so any reader may answer.
    pub async fn list_audit(
        &self,
        caller: &Identity<'_>,
        filter: &AuditFilter,
        after: Option<Uuid>,
        limit: u8,
    ) -> Result<Told<HistoryPage>, DbError> {
        const ANY: Option<i64> = Some(0);
        let event = filter.event.map(Kind::name);
        let request_id = filter.request_id.as_ref().map(|id| id.expose().as_str());
        let (from, to) = (instant(filter.from), instant(filter.to));
        let least = from.map(|from| first_id_at(from.saturating_sub(CLOCKS_DIFFER)));
        let end = to.map(|to| first_id_at(to.saturating_add(CLOCKS_DIFFER)));
        let rows = i64::from(limit) + 1;
        let rest: Parameters<'_> = &[
            &filter.task_id,
            &filter.actor_id,
            &event,
            &request_id,
            &from,
            &least,
            &to,
            &end,
            &after,
            &rows,
        ];
        self.read(&LIST, caller, ANY, rest, |row| Ok((listed(row, limit)?, ANY))).await
    }
}

fn listed(row: &Row, limit: u8) -> Result<HistoryPage, DbError> {
    let entries: Vec<Value> = column(&LIST, row, "entries")?;
    let entries: Result<Vec<HistoryEntry>, _> =
        entries.into_iter().map(serde_json::from_value).collect();
    Ok(page_of(entries.map_err(|_| unreadable(&LIST))?, limit))
}

fn page_of(mut entries: Vec<HistoryEntry>, limit: u8) -> HistoryPage {
    let more = entries.len() > usize::from(limit);
    entries.truncate(limit.into());
    HistoryPage { entries, more }
}

fn unreadable(statement: &Statement) -> DbError {
    DbError::Refused(format!("{}: a row is not an entry", statement.name))
}

fn instant(time: Option<Timestamp>) -> Option<OffsetDateTime> {
    time.map(Timestamp::to_offset_date_time)
}

/// The least UUIDv7 of a moment, like `app.uuid_at`.
fn first_id_at(time: OffsetDateTime) -> Uuid {
    let ms = time.unix_timestamp_nanos() / 1_000_000;
    let ms = u128::try_from(ms).unwrap_or_default();
    Uuid::from_u128(ms << 80)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_a_moment_are_not_below_its_first() {
        let at = |text| first_id_at(Timestamp::parse(text).unwrap().to_offset_date_time());
        let first = at("2026-01-31T09:30:00.123Z");
        assert_eq!(first.to_string(), "019c1363-4a3b-0000-0000-000000000000");
        // Before 1970 there were none, and after 9999 there are none.
        assert_eq!(at("1900-01-01T00:00:00Z"), Uuid::nil());
        assert!(at("9999-12-31T23:59:59Z") > first);
    }
}
