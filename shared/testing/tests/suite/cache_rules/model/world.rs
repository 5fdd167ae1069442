//! The database, what is known of it, and the caches of some processes.

use std::collections::BTreeMap;

use cache::{Cache, Entry};
use clock::Clock;
use testing::Random;
use uuid::Uuid;

use crate::cache_rules::place::{Process, UNLIMITED};
use crate::own_redis::OwnRedis;

const TASKS: usize = 3;
const USERS: usize = 3;
const PROCESSES: usize = 3;
/// How many steps later the fence of a dead writer falls.
const FENCE_STEPS: usize = 40;

/// What Redis loses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Losses {
    Nothing,
    /// Single keys of all kinds, and now and then all of them.
    Keys,
}

/// Something that has versions: a task, or the lists of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Register {
    Task(usize),
    Lists(usize),
}

/// What is known of it.
#[derive(Clone, Copy, Debug, Default)]
struct Versions {
    /// As the writer has it.
    now: i64,
    /// The reader of the database has at least this.
    on_reader: i64,
    /// Whoever asks from now on must be told at least this.
    required: i64,
}

/// How often what happened.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) hits: usize,
    pub(super) misses: usize,
    pub(super) fenced: usize,
    pub(super) from_reader: usize,
    pub(super) changes: usize,
    pub(super) dead: usize,
    pub(super) lost: usize,
}

/// A writer that never came back.
struct Dead {
    until: usize,
    nonce: String,
    task: usize,
    user: usize,
}

pub(super) struct World {
    pub(super) redis: OwnRedis,
    pub(super) random: Random,
    pub(super) counts: Counts,
    pub(super) found: Vec<String>,
    pub(super) tasks: Vec<Uuid>,
    pub(super) users: Vec<Uuid>,
    losses: Losses,
    caches: Vec<Cache>,
    versions: BTreeMap<Register, Versions>,
    dead: Vec<Dead>,
}

impl World {
    pub(super) async fn new(random: Random, losses: Losses, more: &[(&str, &str)]) -> Self {
        let redis = OwnRedis::start().await;
        let clock = Clock::system();
        let settings = [UNLIMITED, more].concat();
        let caches = (0..PROCESSES).map(|_| redis.cache(&settings)).collect();
        let ids = |count| (0..count).map(|_| clock.new_id()).collect();
        let registers = (0..TASKS).map(Register::Task).chain((0..USERS).map(Register::Lists));
        Self {
            random,
            losses,
            caches,
            redis,
            counts: Counts::default(),
            found: Vec::new(),
            tasks: ids(TASKS),
            users: ids(USERS),
            versions: registers.map(|register| (register, Versions::default())).collect(),
            dead: Vec::new(),
        }
    }

    /// A process, in which a user has a request.
    pub(super) fn process(&self, number: usize, user: usize) -> Process<'_> {
        Process { cache: &self.caches[number % PROCESSES], user: self.users[user] }
    }

    pub(super) fn entry(&self, register: Register) -> Entry {
        match register {
            Register::Task(task) => Entry::task(self.tasks[task]),
            Register::Lists(user) => Entry::list(self.users[user], "a question"),
        }
    }

    /// What a request that begins now must be told at least.
    pub(super) fn required(&self, register: Register) -> i64 {
        self.versions[&register].required
    }

    /// The value, as the writer has it.
    pub(super) fn read_writer(&self, register: Register) -> i64 {
        self.versions[&register].now
    }

    /// The value, as a reader may have it that lags.
    pub(super) fn read_reader(&mut self, register: Register) -> i64 {
        let Versions { now, on_reader, .. } = self.versions[&register];
        let lag = u64::try_from(now - on_reader).expect("a reader that lags");
        on_reader + i64::try_from(self.random.below(lag + 1)).expect("a version")
    }

    /// Commits a change of a task by a user, which touches the lists of both users. Says how far all
    /// are now.
    pub(super) fn commit(
        &mut self,
        task: usize,
        user: usize,
        other: usize,
    ) -> (i64, BTreeMap<Uuid, i64>) {
        self.counts.changes += 1;
        let mut change = |register| {
            let versions = self.versions.get_mut(&register).expect("a register");
            versions.now += 1;
            // Replication goes on, but is behind by some changes.
            versions.on_reader = versions.on_reader.max(versions.now - 3);
            versions.now
        };
        let version = change(Register::Task(task));
        let mut touched = BTreeMap::new();
        for user in if user == other { vec![user] } else { vec![user, other] } {
            touched.insert(self.users[user], change(Register::Lists(user)));
        }
        (version, touched)
    }

    /// Somebody was told that the register is so far.
    pub(super) fn acknowledge(&mut self, register: Register, version: i64) {
        let versions = self.versions.get_mut(&register).expect("a register");
        versions.required = versions.required.max(version);
    }

    /// Judges an answer.
    pub(super) fn answered(&mut self, register: Register, version: i64, required: i64, from: &str) {
        let now = self.versions[&register].now;
        if !(required..=now).contains(&version) {
            self.found.push(format!("{register:?} from {from}: {version}, not {required}..={now}"));
        }
        // Nobody is shown an older task than anybody was before. Lists of others than the writer may
        // be shown as they were until the change is acknowledged; and if fences are lost, so may
        // tasks.
        if matches!(register, Register::Task(_)) && self.losses == Losses::Nothing {
            self.acknowledge(register, version);
        }
    }

    /// The name of the fence that was put up last around a task.
    pub(super) async fn nonce(&self, task: usize) -> Option<String> {
        self.redis.ask(&["GET", &format!("e:{{t:{}}}", self.tasks[task])]).await
    }

    pub(super) fn died(&mut self, step: usize, nonce: String, task: usize, user: usize) {
        self.counts.dead += 1;
        self.dead.push(Dead { until: step + FENCE_STEPS, nonce, task, user });
    }

    /// Lets the fences fall whose time is over. By then the reader has what was written before.
    pub(super) async fn bury_the_dead(&mut self, step: usize) {
        for Dead { nonce, task, user, .. } in self.dead.extract_if(.., |dead| dead.until <= step) {
            let fences =
                [format!("f:{{t:{}}}", self.tasks[task]), format!("lf:{{u:{}}}", self.users[user])];
            for fence in fences {
                self.redis.ask::<i64>(&["ZREM", &fence, &nonce]).await;
            }
            for register in [Register::Task(task), Register::Lists(user)] {
                let versions = self.versions.get_mut(&register).expect("a register");
                versions.on_reader = versions.now;
            }
        }
    }

    /// Perhaps something is lost.
    pub(super) async fn lose(&mut self) {
        if self.losses == Losses::Nothing || !self.random.percent(3) {
            return;
        }
        self.counts.lost += 1;
        if self.random.percent(10) {
            self.redis.ask::<String>(&["FLUSHALL"]).await;
            return;
        }
        let keys = self.redis.keys().await;
        if !keys.is_empty() {
            let key = &keys[self.random.index(keys.len())];
            self.redis.ask::<i64>(&["DEL", key]).await;
        }
    }
}
