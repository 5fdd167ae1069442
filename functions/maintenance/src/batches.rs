//! Work that is done in batches, so that each commit is short and nobody waits long for a row.

use db::{DbError, WorkerDb};

use crate::turn::Turn;

/// What is taken away.
#[derive(Clone, Copy)]
pub(crate) enum Of {
    /// Tasks that have been in the trash for long enough.
    Tasks,
    /// Idempotency keys that are over.
    Keys,
    /// Revocations of tokens that have expired.
    Revocations,
    /// Not taken away but marked: exports whose files are gone.
    Exports,
}

impl Of {
    /// How many go in one commit. A task has its event, and its indexes.
    const fn limit(self) -> u16 {
        match self {
            Self::Tasks => 500,
            Self::Keys | Self::Revocations | Self::Exports => 5000,
        }
    }

    async fn batch(self, db: &WorkerDb, turn: &Turn<'_>) -> Result<u64, DbError> {
        match self {
            Self::Tasks => db.purge_tasks(self.limit(), turn.run()).await,
            Self::Keys => db.purge_keys(self.limit()).await,
            Self::Revocations => db.purge_revocations(self.limit()).await,
            Self::Exports => db.expire_exports(self.limit()).await,
        }
    }
}

/// What came of it.
pub(crate) struct Batches {
    /// How many rows it were.
    pub(crate) rows: u64,
    /// Whether there are more, for the next run.
    pub(crate) more: bool,
}

/// Repeats a batch until one is not full, or the turn is over.
pub(crate) async fn all(of: Of, db: &WorkerDb, turn: &Turn<'_>) -> Result<Batches, String> {
    let mut rows = 0;
    while turn.goes_on().await? {
        let some = of.batch(db, turn).await;
        let some = some.map_err(|error| format!("after {rows} rows: {error}"))?;
        rows += some;
        if some < of.limit().into() {
            return Ok(Batches { rows, more: false });
        }
    }
    Ok(Batches { rows, more: true })
}
