//! The jobs of `maintenance`: each once, twice, two at a time, and after a run that was killed.

mod leases;
mod partitions;
mod purges;
mod turns;
mod yesterday;

use serde_json::{Value, json};
use testing::TestApp;

/// Runs a job, which succeeds.
async fn run(app: &TestApp, job: &str) -> Value {
    app.run_job("maintenance", json!({"job": job}))
        .await
        .unwrap_or_else(|why| panic!("{job}: {why}"))
}
