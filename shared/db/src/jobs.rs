//! Who is at which job of `maintenance`.

use std::time::Duration;

use serde_json::Value;
use tokio_postgres::types::Type;

use crate::error::DbError;
use crate::handle::{Db, Work, column, one_row};
use crate::statement::Statement;

pub(crate) const TAKE: Statement = Statement {
    name: "jobs.take",
    sql: "-- jobs.take
SELECT api.take_job_v1($1 /* name */, $2 /* run */, $3 /* seconds */) AS taken",
    types: &[Type::TEXT, Type::TEXT, Type::INT4],
};

pub(crate) const END: Statement = Statement {
    name: "jobs.end",
    sql: "-- jobs.end
SELECT api.end_job_v1($1 /* name */, $2 /* run */, $3 /* outcome */)::text",
    types: &[Type::TEXT, Type::TEXT, Type::JSONB],
};

impl Db<Work> {
    /// Takes a job for a while; false if another run is at it. `run` names who takes it: a repetition of
    /// the same run takes over what its first attempt left.
    pub async fn take_job(&self, name: &str, run: &str, lease: Duration) -> Result<bool, DbError> {
        let seconds = i32::try_from(lease.as_secs()).unwrap_or(i32::MAX);
        let rows = self.on_writer(&TAKE, &[&name, &run, &seconds]).await?;
        column(&TAKE, &one_row(&TAKE, rows)?, "taken")
    }

    /// Gives a job back, with what came of it.
    pub async fn end_job(&self, name: &str, run: &str, outcome: &Value) -> Result<(), DbError> {
        self.on_writer(&END, &[&name, &run, outcome]).await.map(drop)
    }
}
