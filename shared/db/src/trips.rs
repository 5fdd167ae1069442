//! Counting the round trips of a request.

use std::cell::Cell;

tokio::task_local! {
    static TRIPS: Cell<u32>;
}

/// Runs one request's work and tells how many statements it sent.
pub async fn counted<T>(work: impl Future<Output = T>) -> (T, u32) {
    TRIPS
        .scope(Cell::new(0), async {
            let result = work.await;
            (result, TRIPS.with(Cell::get))
        })
        .await
}

/// Notes one statement, if somebody counts.
pub(crate) fn note() {
    let _ = TRIPS.try_with(|trips| trips.set(trips.get() + 1));
}
