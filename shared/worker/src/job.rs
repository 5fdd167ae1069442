//! The trait that a job implements.

use std::time::Duration;

use clock::Clock;
use config::Deps;
use serde_json::Value;

use crate::spec::JobSpec;

/// Work that is done when a schedule or a wake says so, by one Lambda function.
pub trait Job: Sized + Send + Sync + 'static {
    /// What is true of the job before any run.
    const SPEC: JobSpec;
    /// What it may touch; decides the function's settings and rights.
    type Deps: Deps;

    /// Runs. `input` is what the schedule says; nothing (`null`) for a wake. An error makes the
    /// invocation fail, and whoever invoked it tries again.
    fn run(cx: JobCx<'_, Self>, input: Value)
    -> impl Future<Output = Result<Value, String>> + Send;
}

/// What a job is given besides its input.
pub struct JobCx<'a, J: Job> {
    /// What it may touch.
    pub deps: &'a J::Deps,
    /// The time.
    pub clock: &'a Clock,
    /// What is left of the function's time, when the run begins.
    pub time_left: Duration,
}
