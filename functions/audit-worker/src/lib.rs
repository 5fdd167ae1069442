//! Serves `task-audit`: writes down what happened.
//!
//! Every event becomes a row, whose key is the event's id: one that comes again changes nothing. What is
//! older than anything that is kept is done with, and told in the log.

use db::WorkerDb;
use domain::event::Queue;
use worker::{Cx, Event, Failure, Spec, Worker};

/// The worker.
pub struct AuditWorker;

impl Worker for AuditWorker {
    const SPEC: Spec = Spec::of(env!("CARGO_PKG_NAME"), Queue::Audit)
        .batches(50, 1)
        .at_once(2)
        .timeout(30, 181)
        .receives(10)
        .backoff(&[5, 10, 20, 40, 80, 160, 320, 640, 900])
        .together();
    type Deps = WorkerDb;

    async fn handle(cx: Cx<'_, Self>, events: &[Event]) -> Result<(), Failure> {
        let envelopes: Vec<_> = events.iter().map(|event| &event.envelope).collect();
        let taken = cx.deps.write_audit(&envelopes).await?;
        if taken.too_old > 0 {
            let events = taken.too_old;
            let what = "older than anything that the audit keeps: not written";
            tracing::warn!(target: telemetry::TARGET, events, "{what}");
        }
        Ok(())
    }
}
