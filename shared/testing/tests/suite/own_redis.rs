//! A Redis of a test's own, to look into and to break.

use cache::Cache;
use clock::Clock;
use config::{Env, Secrets};
use redis::aio::MultiplexedConnection;
use redis::{Client, Cmd, FromRedisValue};
use services::{Folder, Redis, free_port};
use testing::Setup;
use uuid::Uuid;

use crate::support::own_folder;

/// A server that nobody else uses; what is said to it here is not counted by anybody.
pub(crate) struct OwnRedis {
    pub(crate) server: Redis,
    folder: Folder,
    connection: MultiplexedConnection,
}

impl OwnRedis {
    pub(crate) async fn start() -> Self {
        let folder = own_folder(&format!("redis-{}", Uuid::now_v7().simple()));
        let port = free_port().expect("a port");
        let mut server = Redis::create(&folder, port).expect("a Redis");
        server.start().expect("Redis starts");
        let client = Client::open(server.address().url).expect("an address");
        let connection = client.get_multiplexed_async_connection().await.expect("a connection");
        Self { server, folder, connection }
    }

    pub(crate) fn port(&self) -> u16 {
        self.server.address().port
    }

    /// What makes an app use this Redis, with these limits.
    pub(crate) fn setup(&self, limits: &str) -> Setup {
        Setup {
            redis_port: Some(self.port()),
            env: vec![("RATE_LIMITS", limits.to_owned())],
            ..Setup::default()
        }
    }

    /// The cache of one process, with settings that differ from the usual ones.
    pub(crate) fn cache(&self, more: &[(&str, &str)]) -> Cache {
        let mut env = Env::of([
            ("REDIS_URL", self.server.address().url),
            // A busy machine is not a failure.
            ("REDIS_CALL_MS", "5000".to_owned()),
        ]);
        for (name, value) in more {
            env = env.with(name, *value);
        }
        let secrets = Secrets::new(Clock::system());
        Cache::from_env(&env, secrets, Clock::system()).expect("a cache")
    }

    /// What it answers to a command.
    pub(crate) async fn ask<T: FromRedisValue>(&self, words: &[&str]) -> T {
        let mut command = Cmd::new();
        for word in words {
            command.arg(word);
        }
        let mut connection = self.connection.clone();
        command.query_async(&mut connection).await.unwrap_or_else(|e| panic!("{words:?}: {e}"))
    }

    pub(crate) async fn keys(&self) -> Vec<String> {
        self.ask(&["KEYS", "*"]).await
    }

    /// The keys of fences: before tasks, and before lists.
    pub(crate) async fn fences(&self) -> Vec<String> {
        let mut keys = self.keys().await;
        keys.retain(|key| key.starts_with("f:") || key.starts_with("lf:"));
        keys
    }

    /// Its time in microseconds, by which limits are counted.
    pub(crate) async fn time(&self) -> u64 {
        let (seconds, micros): (u64, u64) = self.ask(&["TIME"]).await;
        seconds * 1_000_000 + micros
    }
}

impl Drop for OwnRedis {
    fn drop(&mut self) {
        let _ = self.server.stop();
        let _ = self.folder.remove();
    }
}
