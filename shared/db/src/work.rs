//! What workers do with the events of their queues: a whole batch in one statement.

use domain::event::Envelope;
use serde_json::json;
use tokio_postgres::types::Type;

use crate::error::DbError;
use crate::handle::{Db, Work, column, one_row};
use crate::statement::Statement;

pub(crate) const WRITE_AUDIT: Statement = Statement {
    name: "work.write_audit",
    sql: "-- work.write_audit
SELECT written AS new, too_old FROM api.write_audit_v1($1 /* events */)",
    types: &[Type::JSONB],
};

pub(crate) const COUNT: Statement = Statement {
    name: "work.count",
    sql: "-- work.count
SELECT counted AS new, too_old FROM api.count_events_v1($1 /* events */)",
    types: &[Type::JSONB],
};

/// What came of a batch of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// How many were new.
    pub new: i64,
    /// How many are older than what is remembered: nothing was done with them, and nothing can be.
    pub too_old: i64,
}

impl Db<Work> {
    /// Writes events into the audit, each once.
    pub async fn write_audit(&self, events: &[&Envelope]) -> Result<Taken, DbError> {
        self.take(&WRITE_AUDIT, events).await
    }

    /// Counts events, each once.
    pub async fn count_events(&self, events: &[&Envelope]) -> Result<Taken, DbError> {
        self.take(&COUNT, events).await
    }

    async fn take(&self, statement: &Statement, events: &[&Envelope]) -> Result<Taken, DbError> {
        let row = one_row(statement, self.on_writer(statement, &[&json!(events)]).await?)?;
        Ok(Taken {
            new: column(statement, &row, "new")?,
            too_old: column(statement, &row, "too_old")?,
        })
    }
}
