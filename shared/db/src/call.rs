//! The one way to call the database.

use config::defaults;
use deadpool_postgres::Object;
use tokio::time::{Instant, timeout_at};
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

use crate::error::{DbError, Verdict, outcome, verdict};
use crate::pool::Pool;
use crate::statement::Statement;
use crate::trips;

/// The parameters of a statement, in the order of `$1`, `$2`, …
pub(crate) type Parameters<'a> = &'a [&'a (dyn ToSql + Sync)];

/// How often a transaction that lost a race is run again.
const RERUNS: u32 = 2;

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
        let deadline = Instant::now() + defaults::POSTGRES_CALL;
        let (mut reconnected, mut reruns) = (false, 0);
        loop {
            let error = match self.attempt(statement, parameters, deadline).await? {
                Ok(rows) => return Ok(rows),
                Err(error) => error,
            };
            match verdict(&error) {
                Verdict::Reconnect if !reconnected => reconnected = true,
                Verdict::Rerun if reruns < RERUNS => reruns += 1,
                _ => return Err(outcome(statement.name, &error)),
            }
        }
    }

    /// One attempt. The outer error is final; the inner one may be worth another attempt.
    async fn attempt(
        &self,
        statement: &Statement,
        parameters: Parameters<'_>,
        deadline: Instant,
    ) -> Result<Result<Vec<Row>, tokio_postgres::Error>, DbError> {
        let late = |_| DbError::Unavailable(format!("{}: no answer in time", statement.name));
        let connection = timeout_at(deadline, self.get()).await.map_err(late)??;
        let parameters: Vec<(&(dyn ToSql + Sync), Type)> =
            parameters.iter().copied().zip(statement.types.iter().cloned()).collect();
        trips::note();
        match timeout_at(deadline, connection.query_typed(statement.sql, &parameters)).await {
            Ok(Ok(rows)) => Ok(Ok(rows)),
            Ok(Err(error)) => {
                if verdict(&error) == Verdict::Reconnect {
                    discard(connection);
                }
                Ok(Err(error))
            }
            Err(elapsed) => {
                discard(connection);
                Err(late(elapsed))
            }
        }
    }
}

/// Closes a connection instead of giving it back: the old statement may still be running on it,
/// and a pooler cannot be asked to cancel it.
fn discard(connection: Object) {
    drop(Object::take(connection));
}
