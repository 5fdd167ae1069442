//! Reading from the reader, and only what is not older than what the writer has acknowledged.
//!
//! A reader lags behind the writer. The cache remembers a floor: how far the writer was at the last
//! change that was acknowledged, as the version of a task, or as the counter `write_seq` of a user,
//! which every change raises of everybody who owns the task or is assigned to it, before or after. An
//! answer of the reader counts if it is as far, by the same snapshot; otherwise, and when no floor is
//! known, the writer is asked.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use config::defaults;
use tokio::time::timeout;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::call::Parameters;
use crate::error::DbError;
use crate::handle::{Db, Read, one_row};
use crate::identity::{Identity, Told, judge};
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

    pub(crate) fn is_left_alone(&self) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.until.is_some_and(|until| self.pool.now() < until)
    }

    /// Its rows, or nothing: then the writer knows. A failure is no more than that, and is logged once in
    /// a pause.
    pub(crate) async fn ask(
        &self,
        statement: &Statement,
        parameters: Parameters<'_>,
    ) -> Option<Vec<Row>> {
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
    /// What a statement reads, whose caller it judges if nobody vouches for them.
    ///
    /// The statement's first parameters are `$1`, whether to greet the caller, and `$2`, the caller; it has
    /// the columns `standing` and `state`. `take` reads its one row: the answer, and how far it is. With
    /// a `floor`, a reader is asked first, and believed if its answer is as far.
    pub(crate) async fn read<T>(
        &self,
        statement: &Statement,
        caller: &Identity<'_>,
        floor: Option<i64>,
        rest: Parameters<'_>,
        take: impl Fn(&Row) -> Result<(T, Option<i64>), DbError>,
    ) -> Result<Told<T>, DbError> {
        let (json, ask) = (caller.to_json(), !caller.vouched_for);
        let mut parameters: Vec<&(dyn ToSql + Sync)> = vec![&ask, &json];
        parameters.extend_from_slice(rest);
        // Greeting writes, so only the writer can do it.
        if !ask
            && let (Some(floor), Some(reader)) = (floor, self.reader())
            && !reader.is_left_alone()
            && let Some(rows) = reader.ask(statement, &parameters).await
        {
            let (value, reached) = take(&one_row(statement, rows)?)?;
            if reached >= Some(floor) {
                return Ok(Told { value, state: None, reached });
            }
        }
        let row = one_row(statement, self.on_writer(statement, &parameters).await?)?;
        let state = judge(statement, &row)?;
        let (value, reached) = take(&row)?;
        Ok(Told { value, state, reached })
    }
}
