//! A function that is ready for events.

use std::sync::Arc;

use clock::Clock;
use config::{ConfigError, Deps, Env, Secrets, Start, defaults};
use queue::Letters;
use tokio::time::timeout;

use crate::job::Job;
use crate::worker::Worker;

/// A worker with everything that it needs.
pub(crate) struct WorkerApp<W: Worker> {
    pub(crate) deps: (W::Deps, Letters),
    pub(crate) clock: Clock,
}

impl<W: Worker> WorkerApp<W> {
    pub(crate) fn prepare(env: &Env, clock: Clock) -> Result<Arc<Self>, ConfigError> {
        Ok(Arc::new(Self { deps: prepared(env, &clock)?, clock }))
    }
}

/// A job with everything that it needs.
pub(crate) struct JobApp<J: Job> {
    pub(crate) deps: J::Deps,
    pub(crate) clock: Clock,
}

impl<J: Job> JobApp<J> {
    pub(crate) fn prepare(env: &Env, clock: Clock) -> Result<Arc<Self>, ConfigError> {
        Ok(Arc::new(Self { deps: prepared(env, &clock)?, clock }))
    }
}

fn prepared<D: Deps>(env: &Env, clock: &Clock) -> Result<D, ConfigError> {
    let secrets = Secrets::new(clock.clone());
    D::prepare(&Start { env, secrets: &secrets, clock })
}

/// Connects while the environment starts. Never fails: what is missing then may be there later.
pub(crate) async fn warm_up<D: Deps>(deps: &D) {
    if timeout(defaults::WARM_UP, deps.warm_up()).await.is_err() {
        tracing::warn!(target: telemetry::TARGET, "started before everything was connected");
    }
}
