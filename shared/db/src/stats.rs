//! Statistics: what was counted, and what is looked up.

use domain::stats::{Period, Stats};
use serde_json::Value;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use crate::error::DbError;
use crate::handle::{Db, Read, column};
use crate::identity::{Identity, Told};
use crate::statement::Statement;

pub(crate) const OWNED: Statement = Statement {
    name: "stats.owned",
    sql: "-- stats.owned
SELECT
    CASE WHEN $1 /* greet */ THEN api.greet_v1($2 /* caller */) END AS standing,
    CASE WHEN $1 THEN api.state_v1($2) END AS state,
    (SELECT s.write_seq FROM app.user_state AS s WHERE s.user_id = $3 /* user */) AS write_seq,
    api.owned_stats_v1($3, $4 /* from */, $5 /* to */) AS stats",
    types: &[Type::BOOL, Type::JSONB, Type::UUID, Type::DATE, Type::DATE],
};

pub(crate) const ALL: Statement = Statement {
    name: "stats.all",
    sql: "-- stats.all
SELECT
    CASE WHEN $1 /* greet */ THEN api.greet_v1($2 /* caller */) END AS standing,
    CASE WHEN $1 THEN api.state_v1($2) END AS state,
    api.all_stats_v1($3 /* from */, $4 /* to */) AS stats",
    types: &[Type::BOOL, Type::JSONB, Type::DATE, Type::DATE],
};

impl Db<Read> {
    /// The statistics of what the caller owns. A reader may answer that has the caller's `write_seq` at
    /// `floor`.
    pub async fn owned_stats(
        &self,
        caller: &Identity<'_>,
        period: Period,
        floor: Option<i64>,
    ) -> Result<Told<Stats>, DbError> {
        let (from, to) = (period.from.to_date(), period.to.to_date());
        self.read(&OWNED, caller, floor, &[&caller.user_id, &from, &to], |row| {
            let reached: Option<i64> = column(&OWNED, row, "write_seq")?;
            Ok((stats_of(&OWNED, row)?, Some(reached.unwrap_or_default())))
        })
        .await
    }

    /// The statistics of everybody's tasks, for those who may read them all: the caller of this function
    /// makes sure of that. They follow what happens with some delay, so any reader may answer.
    pub async fn all_stats(
        &self,
        caller: &Identity<'_>,
        period: Period,
    ) -> Result<Told<Stats>, DbError> {
        const ANY: Option<i64> = Some(0);
        let (from, to) = (period.from.to_date(), period.to.to_date());
        self.read(&ALL, caller, ANY, &[&from, &to], |row| Ok((stats_of(&ALL, row)?, ANY))).await
    }
}

fn stats_of(statement: &Statement, row: &Row) -> Result<Stats, DbError> {
    let stats: Value = column(statement, row, "stats")?;
    serde_json::from_value(stats)
        .map_err(|_| DbError::Refused(format!("{}: the row is no statistics", statement.name)))
}
