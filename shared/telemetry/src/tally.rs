//! What a request cost, counted while it runs.

use std::cell::Cell;

tokio::task_local! {
    static TALLY: Cell<Tally>;
}

/// The costs of one request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Statements sent to Postgres.
    pub database: u32,
    /// Calls of Redis.
    pub redis: u32,
    /// Calls of Redis that brought nothing: it failed, or did not answer in time.
    pub redis_failed: u32,
    /// Calls of Redis that were not made, because it had failed before.
    pub redis_skipped: u32,
    /// What the cache did for the request, if it was asked.
    pub cache: Option<&'static str>,
    /// Whether nobody counted the request against a limit, though it has one.
    pub limit_bypassed: bool,
}

/// Runs one request's work and tells what it cost.
pub async fn counted<T>(work: impl Future<Output = T>) -> (T, Tally) {
    TALLY
        .scope(Cell::default(), async {
            let result = work.await;
            (result, TALLY.with(Cell::get))
        })
        .await
}

/// Adds to the costs of the request at work, if somebody counts.
pub fn tally(add: impl FnOnce(&mut Tally)) {
    let _ = TALLY.try_with(|cell| {
        let mut tally = cell.get();
        add(&mut tally);
        cell.set(tally);
    });
}
