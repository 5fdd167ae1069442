//! The processes of all functions on tasks, and the faults on their way to Redis and to Postgres.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use testing::{Call, Fleet, Proxy, Random, Reply, Setup, TestApp, rig};
use uuid::Uuid;

/// How many processes each function has.
const PROCESSES: [(&str, usize); 6] = [
    ("tasks-get", 3),
    ("tasks-list", 3),
    ("tasks-update", 3),
    ("tasks-create", 1),
    ("tasks-delete", 1),
    ("tasks-restore", 1),
];
/// Those that only read: they reach Redis on a way of their own.
const READERS: [&str; 2] = ["tasks-get", "tasks-list"];
/// How long the ways to Redis and Postgres hold back what passes, at most; which of these changes.
const JITTERS: [Duration; 3] =
    [Duration::from_millis(3), Duration::from_millis(15), Duration::from_millis(30)];
/// For so long.
const WEATHER: Duration = Duration::from_millis(150);
/// Of so many such times writers do not reach Redis in one.
const WEEK: usize = 12;
/// How often and how long one looks for the log of an answer, which comes through a pipe.
const LOG_TRIES: usize = 500;
const LOG_PAUSE: Duration = Duration::from_millis(20);

/// How often one looks whether a change is committed.
const COMMIT_PAUSE: Duration = Duration::from_millis(1);

/// When a process is killed.
#[derive(Clone, Copy)]
pub(crate) enum Kill {
    /// When it was at it for so long.
    After(Duration),
    /// As soon as the change of this task is committed.
    Committed(Uuid),
}

/// Whether Redis is a cluster.
pub(crate) fn is_cluster() -> bool {
    rig().state.redis.cluster
}

/// The ways. To a cluster there is none but the straight one: its nodes name each other.
pub(crate) struct Ways {
    pub(crate) database: Proxy,
    pub(crate) readers_redis: Proxy,
    pub(crate) writers_redis: Proxy,
}

impl Ways {
    pub(crate) async fn open() -> Self {
        let redis = rig().state.redis.port;
        Self {
            database: Proxy::to(rig().state.pgbouncer.port).await,
            readers_redis: Proxy::before(redis, 1).await,
            writers_redis: Proxy::before(redis, 1).await,
        }
    }

    /// An app that goes these ways.
    pub(crate) async fn app(&self) -> TestApp {
        let redis = (!is_cluster()).then(|| self.readers_redis.port());
        let database = Some(self.database.port());
        TestApp::with(Setup { database_port: database, redis_port: redis, ..Setup::default() })
            .await
    }

    fn all(&self) -> [&Proxy; 3] {
        [&self.database, &self.readers_redis, &self.writers_redis]
    }

    /// Changes how slow the ways are, all the time, until it is over. If `breaking`, writers cannot reach
    /// Redis at all now and then.
    pub(crate) async fn weather(&self, seed: u64, breaking: bool, over: &Cell<bool>) {
        let mut random = Random::seeded(seed);
        let mut day = 0;
        while !over.get() {
            for way in self.all() {
                way.jitter(JITTERS[random.index(JITTERS.len())]);
            }
            day += 1;
            match day % WEEK {
                0 if breaking => self.writers_redis.refuse(true),
                1 if breaking => self.writers_redis.refuse(false),
                _ => {}
            }
            tokio::time::sleep(WEATHER).await;
        }
        self.clear();
    }

    /// No faults any more.
    pub(crate) fn clear(&self) {
        for way in self.all() {
            way.jitter(Duration::ZERO);
            way.drop_answers(0);
            way.lose_requests(0);
        }
        self.writers_redis.refuse(false);
    }
}

/// The processes.
pub(crate) struct House<'a> {
    pub(crate) app: &'a TestApp,
    fleets: BTreeMap<&'static str, Fleet>,
    pub(crate) killed: Cell<usize>,
}

impl<'a> House<'a> {
    /// Starts them, with these settings besides the usual ones.
    pub(crate) fn open(app: &'a TestApp, ways: &Ways, more: &[(&str, &str)]) -> Self {
        let mut fleets = BTreeMap::new();
        for (function, count) in PROCESSES {
            let mut env = app.env_of(function);
            if !READERS.contains(&function) && !is_cluster() {
                let redis = format!("redis://127.0.0.1:{}", ways.writers_redis.port());
                env = env.with("REDIS_URL", redis);
            }
            for (name, value) in more {
                env = env.with(name, *value);
            }
            fleets.insert(function, Fleet::start(function, &env, count));
        }
        Self { app, fleets, killed: Cell::new(0) }
    }

    /// Has some process answer a call, and perhaps kills it before it has.
    pub(crate) async fn answer(
        &self,
        call: &Call<'_>,
        kill: Option<Kill>,
    ) -> Result<Reply, String> {
        let fleet = &self.fleets[call.function()];
        let answer = match kill {
            None => return fleet.answer(&call.event).await,
            Some(Kill::After(time)) => {
                fleet.answer_or_die(&call.event, tokio::time::sleep(time)).await
            }
            Some(Kill::Committed(task)) => {
                let request = call.event.headers["x-request-id"].as_str();
                fleet.answer_or_die(&call.event, self.committed(task, request)).await
            }
        };
        self.killed.set(self.killed.get() + usize::from(answer.is_err()));
        answer
    }

    /// Waits until a request has changed a task.
    async fn committed(&self, task: Uuid, request: &str) {
        let sql = "SELECT count(*) FROM app.outbox
                   WHERE aggregate_id = $1 AND payload ->> 'requestId' = $2";
        while self.app.db.count(sql, &[&task, &request]).await == 0 {
            tokio::time::sleep(COMMIT_PAUSE).await;
        }
    }

    /// What was logged of each request. Those that were answered have been logged.
    pub(crate) async fn log(&self, answered: &[&str]) -> BTreeMap<String, Value> {
        for _ in 0..LOG_TRIES {
            let log = self.log_so_far();
            if answered.iter().all(|id| log.contains_key(*id)) {
                return log;
            }
            tokio::time::sleep(LOG_PAUSE).await;
        }
        panic!("an answer was not logged");
    }

    fn log_so_far(&self) -> BTreeMap<String, Value> {
        let lines = self.fleets.values().flat_map(Fleet::output);
        let lines = lines.filter_map(|line| serde_json::from_str::<Value>(&line).ok());
        let of =
            |line: Value| (line["error_code"].is_null() || line["status"].is_u64()).then_some(line);
        let lines = lines.filter_map(of).filter(|line| line["status"].is_u64());
        lines.filter_map(|line| Some((line["request_id"].as_str()?.to_owned(), line))).collect()
    }
}
