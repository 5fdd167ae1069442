//! A task, the lists of its owner, and what processes do to what is cached of them.

use std::collections::BTreeMap;

use cache::{Bearer, Cache, Cached, Entry, Fence, Filling, Found, Room, Stale, Touch, Written};
use clock::Clock;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::own_redis::OwnRedis;

/// What is cached here: how often it was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Thing {
    pub(super) version: i64,
    pub(super) text: String,
}

impl Cached for Thing {
    const SCHEMA: u32 = 1;
}

impl Thing {
    pub(super) const fn of(version: i64) -> Self {
        Self { version, text: String::new() }
    }
}

/// What a look shows.
#[derive(Debug)]
pub(super) enum Seen {
    Value(i64),
    Room(Room),
    Fenced,
    Unknown,
}

impl Seen {
    /// The place that can be filled.
    #[track_caller]
    pub(super) fn room(self) -> Room {
        match self {
            Self::Room(room) => room,
            other => panic!("no room, but {other:?}"),
        }
    }

    pub(super) const fn value(&self) -> Option<i64> {
        match self {
            Self::Value(version) => Some(*version),
            _ => None,
        }
    }
}

/// A process that uses the cache for one user.
pub(super) struct Process<'c> {
    pub(super) cache: &'c Cache,
    pub(super) user: Uuid,
}

impl Process<'_> {
    pub(super) const fn bearer(&self) -> Bearer<'static> {
        Bearer { user: self.user, session: None, issued_at: 1_800_000_000 }
    }

    pub(super) async fn look(&self, entry: &Entry) -> Seen {
        let touch = Touch::Read(entry.clone());
        match self.cache.greet(self.bearer(), &[], None, &touch).await.1 {
            Found::Value { text, room } => match self.cache.read::<Thing>(entry, &text) {
                Some(thing) => Seen::Value(thing.version),
                None => Seen::Room(room),
            },
            Found::Room(room) => Seen::Room(room),
            Found::Fenced => Seen::Fenced,
            _ => Seen::Unknown,
        }
    }

    /// Fills what was read when the database was that far.
    pub(super) async fn fill(&self, entry: &Entry, room: &Room, version: i64) {
        let thing = Thing::of(version);
        let filling = Filling::new(entry, room.clone(), Some(&thing), Some(version));
        self.cache.keep(None, Some(filling)).await;
    }

    pub(super) async fn fence(&self, task: Uuid) -> Fence {
        match self.cache.greet(self.bearer(), &[], None, &Touch::Change(Some(task))).await.1 {
            Found::Fence(fence) => fence,
            found => panic!("no fence, but {found:?}"),
        }
    }

    /// Tells of a change that made this version of the task, and this `write_seq` of those.
    pub(super) async fn lift(
        &self,
        fence: &Fence,
        task: Uuid,
        version: i64,
        touched: BTreeMap<Uuid, i64>,
    ) {
        let mut written = Written::default();
        written.version = Some(version);
        written.touched = touched;
        written.leave(task, &Thing::of(version));
        self.cache.lift(Some(fence), &written, None).await;
    }

    /// Takes the fence down after nothing was changed.
    pub(super) async fn give_up(&self, fence: &Fence) {
        self.cache.lift(Some(fence), &Written::default(), None).await;
    }
}

/// One task and one user, and as many processes as there are names for.
pub(super) struct Place {
    pub(super) redis: OwnRedis,
    pub(super) user: Uuid,
    pub(super) task: Uuid,
    pub(super) entry: Entry,
    caches: [Cache; 3],
}

impl Place {
    pub(super) async fn new() -> Self {
        let redis = OwnRedis::start().await;
        let clock = Clock::system();
        let (user, task) = (clock.new_id(), clock.new_id());
        let caches = [redis.cache(UNLIMITED), redis.cache(UNLIMITED), redis.cache(UNLIMITED)];
        Self { redis, user, task, entry: Entry::task(task), caches }
    }

    pub(super) const fn processes(&self) -> [Process<'_>; 3] {
        let [a, b, c] = &self.caches;
        let user = self.user;
        [Process { cache: a, user }, Process { cache: b, user }, Process { cache: c, user }]
    }

    /// A key of the task: `e`, `f`, `v` or `s`.
    pub(super) fn of_task(&self, part: &str) -> String {
        format!("{part}:{{t:{}}}", self.task)
    }

    /// A key of the user: `le`, `lf`, `l`, `ls`, `rv`, `re` or `rl`.
    pub(super) fn of_user(&self, part: &str) -> String {
        format!("{part}:{{u:{}}}", self.user)
    }

    pub(super) fn list(&self) -> Entry {
        Entry::list(self.user, "everything")
    }

    pub(super) async fn forget(&self, key: &str) {
        self.redis.ask::<i64>(&["DEL", key]).await;
    }

    pub(super) fn stale(&self, version: i64) -> Stale {
        Stale { task: Some((self.task, version)), lists: vec![self.user], standings: vec![] }
    }

    /// A first change, after which the floors are known.
    pub(super) async fn change_alone(&self, version: i64) {
        let [process, ..] = self.processes();
        let fence = process.fence(self.task).await;
        process.lift(&fence, self.task, version, self.only_own(version)).await;
    }

    /// Nobody else's lists have changed.
    pub(super) fn only_own(&self, seq: i64) -> BTreeMap<Uuid, i64> {
        BTreeMap::from([(self.user, seq)])
    }
}

pub(super) const UNLIMITED: &[(&str, &str)] =
    &[("RATE_LIMITS", r#"{"user": "1000000/86400", "ip": "1000000/86400"}"#)];
