#![doc = include_str!("../README.md")]

mod batches;
mod partitions;
mod task;
mod turn;

use db::{Cluster, WorkerDb};
use serde_json::{Value, json};
use worker::{Job, JobCx, JobSpec, Schedule};

use crate::task::Task;
use crate::turn::Turn;

/// The job.
pub struct Maintenance;

impl Job for Maintenance {
    // The daily ones by night, each when the others are done. Yesterday is counted again when its last
    // events have long been counted.
    const SPEC: JobSpec = JobSpec::of(env!("CARGO_PKG_NAME")).timeout(900).schedules(&[
        Schedule { name: "PurgeDeleted", at: "rate(1 hour)", input: r#"{"job":"purge-deleted"}"# },
        Schedule {
            name: "PurgeIdempotency",
            at: "rate(1 hour)",
            input: r#"{"job":"purge-idempotency"}"#,
        },
        Schedule { name: "Partitions", at: "cron(10 2 * * ? *)", input: r#"{"job":"partitions"}"# },
        Schedule { name: "Exports", at: "cron(40 2 * * ? *)", input: r#"{"job":"exports"}"# },
        Schedule {
            name: "ReconcileStats",
            at: "cron(10 3 * * ? *)",
            input: r#"{"job":"reconcile-stats"}"#,
        },
    ]);
    type Deps = (WorkerDb, Cluster);

    async fn run(cx: JobCx<'_, Self>, input: Value) -> Result<Value, String> {
        let task = Task::of(&input)?;
        let (db, cluster) = cx.deps;
        let turn = Turn::new(db, task.name(), cx.clock, cx.time_left);
        if !turn.take().await? {
            return Ok(json!({"job": task.name(), "skipped": "another run is at it"}));
        }
        let outcome = task.run(db, cluster, &turn).await;
        turn.end(&outcome).await;
        outcome
    }
}
