//! The jobs by their names.

use db::{Cluster, WorkerDb};
use serde_json::{Value, json};

use crate::batches::{self, Of};
use crate::partitions;
use crate::turn::Turn;

/// A job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    PurgeDeleted,
    PurgeIdempotency,
    Partitions,
    Exports,
    ReconcileStats,
}

impl Task {
    const ALL: [Self; 5] = [
        Self::PurgeDeleted,
        Self::PurgeIdempotency,
        Self::Partitions,
        Self::Exports,
        Self::ReconcileStats,
    ];

    /// The name, as schedules say it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::PurgeDeleted => "purge-deleted",
            Self::PurgeIdempotency => "purge-idempotency",
            Self::Partitions => "partitions",
            Self::Exports => "exports",
            Self::ReconcileStats => "reconcile-stats",
        }
    }

    /// The job that an event asks for.
    pub(crate) fn of(input: &Value) -> Result<Self, String> {
        let named = |name: &str| Self::ALL.into_iter().find(|task| task.name() == name);
        input["job"].as_str().and_then(named).ok_or_else(|| {
            let all = Self::ALL.map(Self::name).join(", ");
            format!(r#"the event must be {{"job": …}} with one of: {all}"#)
        })
    }

    /// Does it. Says what it did, in numbers.
    pub(crate) async fn run(
        self,
        db: &WorkerDb,
        cluster: &Cluster,
        turn: &Turn<'_>,
    ) -> Result<Value, String> {
        let job = self.name();
        Ok(match self {
            Self::PurgeDeleted => {
                let tasks = batches::all(Of::Tasks, db, turn).await?;
                json!({"job": job, "tasks": tasks.rows, "more": tasks.more})
            }
            Self::PurgeIdempotency => {
                let keys = batches::all(Of::Keys, db, turn).await?;
                let revocations = batches::all(Of::Revocations, db, turn).await?;
                let more = keys.more || revocations.more;
                json!({"job": job, "keys": keys.rows, "revocations": revocations.rows, "more": more})
            }
            Self::Exports => {
                let exports = batches::all(Of::Exports, db, turn).await?;
                json!({"job": job, "exports": exports.rows, "more": exports.more})
            }
            Self::Partitions => partitions::run(cluster, turn).await?.to_json(job),
            Self::ReconcileStats => {
                let found = db.recount_yesterday().await.map_err(|error| error.to_string())?;
                json!({"job": job, "found": found})
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_schedule_asks_for_a_job_and_each_job_has_one() {
        use worker::Job as _;
        let schedules = crate::Maintenance::SPEC.schedules;
        let asked = schedules.iter().map(|at| Task::of(&at.input.parse().unwrap()).unwrap());
        assert_eq!(asked.collect::<Vec<_>>(), Task::ALL);
    }

    #[test]
    fn what_is_no_job_is_answered_with_those_that_are() {
        for input in [json!(null), json!({}), json!({"job": 1}), json!({"job": "partition"})] {
            let why = Task::of(&input).unwrap_err();
            assert!(why.contains("purge-deleted, purge-idempotency, partitions"), "{why}");
        }
    }
}
