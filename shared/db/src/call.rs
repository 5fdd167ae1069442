//! The one way to call the database.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use config::defaults;
use deadpool_postgres::Object;
use scopeguard::ScopeGuard;
use telemetry::tally;
use tokio::time::{sleep, timeout};
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

use crate::error::{DbError, Verdict, outcome, verdict};
use crate::pool::Pool;
use crate::statement::Statement;

/// The parameters of a statement, in the order of `$1`, `$2`, …
pub(crate) type Parameters<'a> = &'a [&'a (dyn ToSql + Sync)];

/// How often a transaction that lost a race is run again, at most; the time budget may end it sooner. A
/// task whose owner changes time and again makes its other writers lose more than once or twice.
const RERUNS: u32 = 10;

/// Before another run: up to 2 ms at first, up to 64 ms in the end; by chance, so that those who lost the
/// same race do not all meet again.
fn pause(reruns: u32) -> Duration {
    let most = 1000 << reruns.min(6);
    Duration::from_micros(RandomState::new().hash_one(reruns) % most)
}

impl Pool {
    /// Sends a statement and returns its rows; within one time budget, retries included.
    ///
    /// A statement may run twice, when the answer to the first attempt was lost: a read has no
    /// effect, and a mutation carries the id by which the database recognises it.
    pub(crate) async fn call(
        &self,
        statement: &Statement,
        parameters: Parameters<'_>,
    ) -> Result<Vec<Row>, DbError> {
        timeout(defaults::POSTGRES_CALL, self.attempts(statement, parameters)).await.unwrap_or_else(
            |_| Err(DbError::Unavailable(format!("{}: no answer in time", statement.name))),
        )
    }

    async fn attempts(
        &self,
        statement: &Statement,
        parameters: Parameters<'_>,
    ) -> Result<Vec<Row>, DbError> {
        debug_assert_eq!(parameters.len(), statement.types.len(), "{}", statement.name);
        let parameters: Vec<(&(dyn ToSql + Sync), Type)> =
            parameters.iter().copied().zip(statement.types.iter().cloned()).collect();
        let (mut reconnected, mut reruns) = (false, 0);
        loop {
            let error = match self.attempt(statement.sql, &parameters).await? {
                Ok(rows) => return Ok(rows),
                Err(error) => error,
            };
            match verdict(&error) {
                Verdict::Reconnect if !reconnected => reconnected = true,
                Verdict::Rerun if reruns < RERUNS => {
                    reruns += 1;
                    sleep(pause(reruns)).await;
                }
                _ => return Err(outcome(statement.name, &error)),
            }
        }
    }

    /// One attempt. The outer error is final; the inner one may be worth another attempt.
    async fn attempt(
        &self,
        sql: &str,
        parameters: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Result<Vec<Row>, tokio_postgres::Error>, DbError> {
        // On loan: a connection that is dropped on the way, by a timeout or because the request was
        // given up, is closed and not given back. Its statement may still be running, and a pooler
        // cannot be asked to cancel it.
        let connection = scopeguard::guard(self.get().await?, |lent| drop(Object::take(lent)));
        tally(|request| request.database += 1);
        let result = connection.query_typed(sql, parameters).await;
        if !matches!(&result, Err(error) if verdict(error) == Verdict::Reconnect) {
            drop(ScopeGuard::into_inner(connection));
        }
        Ok(result)
    }
}
