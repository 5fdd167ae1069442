//! Reading from the reader, and only what is not older than what the writer has acknowledged.
//!
//! A reader lags behind the writer. What it answers counts if nothing of the caller's has changed
//! since: every change of a task raises the counter `write_seq` of everybody who owns it or is
//! assigned to it, before or after. The writer is asked for the counter at the same time as the
//! reader is asked for the answer and, in the same snapshot, for its counter. Only if the reader's is
//! as high does its answer count; otherwise the writer is asked for the answer too.
//!
//! The counter speaks for what is the caller's own. Whatever goes beyond that is read from the writer.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use config::defaults;
use serde_json::Value;
use tokio::time::timeout;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::call::Parameters;
use crate::error::DbError;
use crate::handle::{Db, Read, column, one_row};
use crate::identity::{GREET, Identity, judge};
use crate::pool::Pool;
use crate::statement::Statement;

/// The reader, and whether it is worth asking.
pub(crate) struct Reader {
    pool: Arc<Pool>,
    state: Mutex<State>,
}

/// A reader that does not answer is left alone for a while, longer each time.
#[derive(Default)]
struct State {
    pause: Duration,
    until: Option<SystemTime>,
}

impl Reader {
    pub(crate) fn new(pool: Arc<Pool>) -> Self {
        Self { pool, state: Mutex::default() }
    }

    pub(crate) const fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }

    fn is_left_alone(&self) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.until.is_some_and(|until| self.pool.now() < until)
    }

    /// Its rows, or nothing: then the writer knows. A failure is no more than that, and is logged once in
    /// a pause.
    async fn ask(&self, statement: &Statement, parameters: Parameters<'_>) -> Option<Vec<Row>> {
        let asked_at = self.pool.now();
        let call = timeout(defaults::READER_CALL, self.pool.call(statement, parameters)).await;
        let error = match call {
            Ok(Ok(rows)) => {
                *self.state.lock().unwrap_or_else(PoisonError::into_inner) = State::default();
                return Some(rows);
            }
            Ok(Err(error)) => error.to_string(),
            Err(_elapsed) => format!("{}: no answer in time", statement.name),
        };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // Those who asked at the same time fail for the same reason.
        if state.until.is_none_or(|until| until <= asked_at) {
            state.pause =
                (state.pause * 2).clamp(defaults::BREAKER_FIRST_PAUSE, defaults::BREAKER_PAUSE);
            state.until = Some(self.pool.now() + state.pause);
            tracing::warn!(target: telemetry::TARGET, error, "reading from the writer instead");
        }
        None
    }
}

impl Db<Read> {
    /// The one row of a statement that reads, and judges the caller.
    ///
    /// The statement's first parameters are `$1`, whether to greet the caller, `$2`, the caller, and
    /// `$3`, the caller's id; it has the columns `standing` and `write_seq`. `own` says that it tells
    /// of nothing but what is the caller's own.
    pub(crate) async fn read(
        &self,
        statement: &Statement,
        caller: &Identity<'_>,
        own: bool,
        rest: Parameters<'_>,
    ) -> Result<Row, DbError> {
        let json = caller.to_json();
        let reader = self.reader().filter(|reader| own && !reader.is_left_alone());
        let Some(reader) = reader else {
            return self.read_from_writer(statement, caller, &json, true, rest).await;
        };
        let parameters = with_caller(&false, &json, &caller.user_id, rest);
        // A caller who is refused does not wait for the reader.
        let asked = async { Ok(reader.ask(statement, &parameters).await) };
        let (floor, rows) = tokio::try_join!(self.floor(caller, &json), asked)?;
        if let Some(rows) = rows {
            let row = one_row(statement, rows)?;
            if write_seq(statement, &row)? >= floor {
                return Ok(row);
            }
        }
        self.read_from_writer(statement, caller, &json, false, rest).await
    }

    async fn read_from_writer(
        &self,
        statement: &Statement,
        caller: &Identity<'_>,
        json: &Value,
        greet: bool,
        rest: Parameters<'_>,
    ) -> Result<Row, DbError> {
        let parameters = with_caller(&greet, json, &caller.user_id, rest);
        let row = one_row(statement, self.on_writer(statement, &parameters).await?)?;
        judge(statement, &row)?;
        Ok(row)
    }

    /// Greets the caller on the writer; how far a reader must have come to speak for it.
    async fn floor(&self, caller: &Identity<'_>, json: &Value) -> Result<i64, DbError> {
        let row = one_row(&GREET, self.on_writer(&GREET, &[json, &caller.user_id]).await?)?;
        judge(&GREET, &row)?;
        write_seq(&GREET, &row)
    }
}

/// Who has never touched a task has no counter yet.
fn write_seq(statement: &Statement, row: &Row) -> Result<i64, DbError> {
    Ok(column::<Option<i64>>(statement, row, "write_seq")?.unwrap_or_default())
}

fn with_caller<'a>(
    greet: &'a bool,
    json: &'a Value,
    user_id: &'a uuid::Uuid,
    rest: &[&'a (dyn ToSql + Sync)],
) -> Vec<&'a (dyn ToSql + Sync)> {
    let mut all: Vec<&(dyn ToSql + Sync)> = vec![greet, json, user_id];
    all.extend_from_slice(rest);
    all
}
