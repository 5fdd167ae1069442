//! The whole of a function's `main`.

use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::time::Duration;

use futures_util::FutureExt;
use process::Handler;
use serde_json::Value;

use crate::app::{JobApp, WorkerApp, warm_up};
use crate::batch;
use crate::job::{Job, JobCx};
use crate::message::{Answer, Batch};
use crate::worker::Worker;

/// Serves a queue until the environment ends.
pub fn serve<W: Worker>() -> ExitCode {
    process::serve(W::SPEC.name, WorkerApp::<W>::prepare)
}

/// Runs a job whenever it is to run, until the environment ends.
pub fn serve_job<J: Job>() -> ExitCode {
    process::serve(J::SPEC.name, JobApp::<J>::prepare)
}

impl<W: Worker> Handler for WorkerApp<W> {
    type Answer = Answer;

    async fn warm_up(&self) {
        warm_up(&self.deps).await;
    }

    async fn answer(&self, event: Value, time_left: Duration) -> Result<Answer, String> {
        let batch: Batch = serde_json::from_value(event)
            .map_err(|_| "the event is no batch of messages".to_owned())?;
        Ok(Box::pin(batch::answer(self, &batch, time_left)).await)
    }
}

impl<J: Job> Handler for JobApp<J> {
    type Answer = Value;

    async fn warm_up(&self) {
        warm_up(&self.deps).await;
    }

    async fn answer(&self, event: Value, time_left: Duration) -> Result<Value, String> {
        // The messages that wake it say nothing.
        let input = if event.get("Records").is_some() { Value::Null } else { event };
        let watch = self.clock.stopwatch();
        let cx = JobCx { deps: &self.deps, clock: &self.clock, time_left };
        let run = AssertUnwindSafe(J::run(cx, input.clone())).catch_unwind();
        let (result, tally) = telemetry::counted(run).await;
        let result = result
            .unwrap_or_else(|_panic| Err("panicked; the place is in a line of its own".to_owned()));
        let line = telemetry::JobLine {
            function: J::SPEC.name,
            input: &input,
            result: &result,
            duration: watch.elapsed(),
            tally,
        };
        line.write();
        result
    }
}
