//! Serves `task-analytics`: counts what happened.
//!
//! Inbox and counts are written by one statement: an event that comes again is not counted again. Counts
//! only add, so it does not matter in which order events come. What is older than what the inbox remembers
//! is done with, and told in the log: nobody could tell whether it was counted.

use db::WorkerDb;
use domain::event::Queue;
use worker::{Cx, Event, Failure, Spec, Worker};

/// The worker.
pub struct AnalyticsWorker;

impl Worker for AnalyticsWorker {
    const SPEC: Spec = Spec::of(env!("CARGO_PKG_NAME"), Queue::Analytics)
        .batches(100, 5)
        .at_once(2)
        .timeout(60, 365)
        .receives(10)
        .backoff(&[5, 10, 20, 40, 80, 160, 320, 640, 900])
        .together();
    type Deps = WorkerDb;

    async fn handle(cx: Cx<'_, Self>, events: &[Event]) -> Result<(), Failure> {
        let envelopes: Vec<_> = events.iter().map(|event| &event.envelope).collect();
        let taken = cx.deps.count_events(&envelopes).await?;
        if taken.too_old > 0 {
            let events = taken.too_old;
            let what = "older than what the inbox remembers: not counted";
            tracing::warn!(target: telemetry::TARGET, events, "{what}");
        }
        Ok(())
    }
}
