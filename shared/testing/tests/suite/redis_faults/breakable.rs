//! A Redis to break: stopped, frozen or filled without harm to other tests. (One to look into is in
//! `own_redis`.)

use std::sync::{Arc, Mutex, PoisonError};

use config::Env;
use services::{Error, Folder, Redis, free_port};
use testing::{Setup, TestApp};

use crate::support::own_folder;

/// What the functions give a call of Redis as a rule; the tests that are not about time give more.
pub(crate) const BUDGET: &str = "50";

/// The server. Commands to it are sent from other threads, so that requests go on meanwhile.
pub(crate) struct BreakableRedis {
    port: u16,
    redis: Arc<Mutex<Redis>>,
    folder: Folder,
}

impl BreakableRedis {
    /// A server that runs. No two tests have the same `name`.
    pub(crate) fn start(name: &str) -> Self {
        let folder = own_folder(name);
        let port = free_port().expect("a port");
        let mut redis = Redis::create(&folder, port).expect("a server");
        redis.start().expect("Redis starts");
        Self { port, redis: Arc::new(Mutex::new(redis)), folder }
    }

    /// A second one, for a replication.
    pub(crate) fn second(&self) -> Redis {
        let port = free_port().expect("a port");
        let mut redis = Redis::named(&self.folder, "redis-second", port).expect("a server");
        redis.start().expect("Redis starts");
        redis
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// Has something done with it.
    pub(crate) async fn does<T: Send + 'static>(
        &self,
        what: impl FnOnce(&mut Redis) -> Result<T, Error> + Send + 'static,
    ) -> T {
        let redis = Arc::clone(&self.redis);
        let done = tokio::task::spawn_blocking(move || {
            what(&mut redis.lock().unwrap_or_else(PoisonError::into_inner))
        });
        done.await.expect("it is done").expect("Redis does it")
    }

    /// What it answers to a command.
    pub(crate) async fn ask(&self, command: &[&str]) -> String {
        let command: Vec<String> = command.iter().map(|word| (*word).to_owned()).collect();
        self.does(move |redis| redis.ask(&command.iter().map(String::as_str).collect::<Vec<_>>()))
            .await
    }

    /// A number that it tells of itself, such as `used_memory`.
    pub(crate) async fn told(&self, section: &str, name: &str) -> u64 {
        let told = self.ask(&["INFO", section]).await;
        let line = told.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.and_then(|number| number.trim().parse().ok()).expect("a number")
    }
}

impl Drop for BreakableRedis {
    fn drop(&mut self) {
        let _ = self.redis.lock().unwrap_or_else(PoisonError::into_inner).stop();
        let _ = self.folder.remove();
    }
}

/// What makes an app use the Redis at this port, with the time that a call gets.
pub(crate) fn setup(port: u16, call_ms: &str) -> Setup {
    Setup {
        redis_port: Some(port),
        env: vec![("REDIS_CALL_MS", call_ms.to_owned())],
        ..Setup::default()
    }
}

/// A cache of the test's own on the app's Redis, which waits as long as it takes.
pub(crate) fn patient_cache(app: &TestApp) -> cache::Cache {
    let env: Env = app.env_of("tasks-get").with("REDIS_CALL_MS", "5000");
    let clock = clock::Clock::system();
    let secrets = config::Secrets::new(clock.clone());
    cache::Cache::from_env(&env, secrets, clock).expect("a cache")
}
