//! Work that is done in batches, so that each commit is short and nobody waits long for a row.

use db::DbError;

use crate::turn::Turn;

/// What came of it.
pub(crate) struct Batches {
    /// How many rows it were.
    pub(crate) rows: u64,
    /// Whether there are more, for the next run.
    pub(crate) more: bool,
}

/// Repeats a batch of at most so many rows until one is not full, or the turn is over.
pub(crate) async fn all(
    turn: &Turn<'_>,
    limit: u16,
    batch: impl AsyncFn(u16) -> Result<u64, DbError>,
) -> Result<Batches, String> {
    let mut rows = 0;
    while turn.goes_on().await? {
        let some = batch(limit).await.map_err(|error| format!("after {rows} rows: {error}"))?;
        rows += some;
        if some < limit.into() {
            return Ok(Batches { rows, more: false });
        }
    }
    Ok(Batches { rows, more: true })
}
