//! Workers and jobs without their types, for the catalog and for whoever calls many of them.

use std::sync::Arc;
use std::time::Duration;

use clock::Clock;
use config::{ConfigError, Deps as _, Env, Need};
use futures_util::future::BoxFuture;
use process::Handler;
use serde_json::Value;

use crate::app::{JobApp, WorkerApp};
use crate::job::Job;
use crate::spec::{JobSpec, Spec};
use crate::worker::Worker;

/// What is known of a worker, and how to start it.
pub struct Entry {
    /// Its declaration.
    pub spec: Spec,
    /// What it needs to be given.
    pub needs: Vec<Need>,
    /// Prepares it in this process.
    pub prepare: Prepare,
}

/// What is known of a job, and how to start it.
pub struct JobEntry {
    /// Its declaration.
    pub spec: JobSpec,
    /// What it needs to be given.
    pub needs: Vec<Need>,
    /// Prepares it in this process.
    pub prepare: Prepare,
}

/// Prepares a function from its settings.
pub type Prepare = fn(&Env, Clock) -> Result<Arc<dyn Function>, ConfigError>;

/// A function that is ready for events.
pub trait Function: Send + Sync {
    /// Answers one event, with the time that is left for it.
    fn call(&self, event: Value, time_left: Duration) -> BoxFuture<'_, Result<Value, String>>;
}

impl<H: Handler> Function for H {
    fn call(&self, event: Value, time_left: Duration) -> BoxFuture<'_, Result<Value, String>> {
        Box::pin(async move {
            let answer = self.answer(event, time_left).await?;
            serde_json::to_value(answer).map_err(|error| error.to_string())
        })
    }
}

impl Entry {
    /// The entry of a worker.
    pub fn of<W: Worker>() -> Self {
        let mut needs = Vec::new();
        <(W::Deps, queue::Letters)>::needs(&mut needs);
        Self {
            spec: W::SPEC,
            needs,
            prepare: |env, clock| {
                WorkerApp::<W>::prepare(env, clock).map(|app| app as Arc<dyn Function>)
            },
        }
    }
}

impl JobEntry {
    /// The entry of a job.
    pub fn of<J: Job>() -> Self {
        let mut needs = Vec::new();
        J::Deps::needs(&mut needs);
        Self {
            spec: J::SPEC,
            needs,
            prepare: |env, clock| {
                JobApp::<J>::prepare(env, clock).map(|app| app as Arc<dyn Function>)
            },
        }
    }
}
