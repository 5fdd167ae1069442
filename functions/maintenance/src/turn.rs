//! A run's turn at its job: nobody else is at it, and there is time left.

use std::sync::Mutex;
use std::time::Duration;

use clock::{Clock, Stopwatch};
use db::WorkerDb;
use serde_json::{Value, json};

/// How long a job is kept for a run that does not say that it goes on: a killed one is over when Lambda
/// invokes it for the third time.
const LEASE: Duration = Duration::from_mins(2);
/// A run stops so long before its time is up, to say what it has done.
const RESERVE: Duration = Duration::from_secs(15);

/// One run.
pub(crate) struct Turn<'a> {
    db: &'a WorkerDb,
    job: &'static str,
    run: String,
    clock: &'a Clock,
    time: Duration,
    began: Stopwatch,
    said: Mutex<Stopwatch>,
}

impl<'a> Turn<'a> {
    /// A run that has so much time, and not its job yet.
    pub(crate) fn new(
        db: &'a WorkerDb,
        job: &'static str,
        clock: &'a Clock,
        time: Duration,
    ) -> Self {
        let began = clock.stopwatch();
        let run = clock.new_id().to_string();
        Self { db, job, run, clock, time, began, said: Mutex::new(began) }
    }

    /// Names the run, also in the events that it causes.
    pub(crate) fn run(&self) -> &str {
        &self.run
    }

    /// Takes the job; false if another run is at it.
    pub(crate) async fn take(&self) -> Result<bool, String> {
        let said = self.clock.stopwatch();
        let taken = self.db.take_job(self.job, &self.run, LEASE).await;
        if let Ok(mut last) = self.said.lock() {
            *last = said;
        }
        taken.map_err(|error| error.to_string())
    }

    /// Whether to go on: there is time left, and nobody has taken the job, which happens to a run that was
    /// held up for too long.
    pub(crate) async fn goes_on(&self) -> Result<bool, String> {
        if self.began.elapsed() + RESERVE >= self.time {
            return Ok(false);
        }
        let silent = self.said.lock().map_or(LEASE, |said| said.elapsed());
        if silent < LEASE / 4 {
            return Ok(true);
        }
        self.take().await
    }

    /// Gives the job back. If that fails, the lease ends it.
    pub(crate) async fn end(&self, outcome: &Result<Value, String>) {
        let outcome = match outcome {
            Ok(counts) => counts.clone(),
            Err(why) => json!({"failed": why}),
        };
        if let Err(error) = self.db.end_job(self.job, &self.run, &outcome).await {
            tracing::warn!(target: telemetry::TARGET, %error, job = self.job, "the job was not given back");
        }
    }
}
