//! What carries events to the cache: reads the outbox and drops what each event makes out of date.

use std::cell::Cell;
use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use cache::{Cache, Stale};
use clock::Clock;
use config::{Env, Secrets};
use domain::event::Envelope;
use testing::{TestApp, rig};
use uuid::Uuid;

use super::history::{Fact, History};

/// How often it looks.
const PAUSE: Duration = Duration::from_millis(20);
/// How late it carries: without that, nobody would meet what is stale until then.
const LAG: Duration = Duration::from_millis(150);

/// A cache with a way to Redis of its own.
fn cache_at(url: &str, cluster: bool) -> Cache {
    let env = Env::of([
        ("REDIS_URL", url.to_owned()),
        ("REDIS_CLUSTER", cluster.to_string()),
        ("REDIS_CALL_MS", "5000".to_owned()),
    ]);
    let clock = Clock::system();
    Cache::from_env(&env, Secrets::new(clock.clone()), clock).expect("a cache")
}

pub(crate) struct Invalidator<'a> {
    app: &'a TestApp,
    history: &'a History,
    cache: Cache,
    seen: BTreeSet<Uuid>,
    /// What was seen and not carried yet.
    waiting: VecDeque<(Instant, Envelope)>,
}

impl<'a> Invalidator<'a> {
    /// One with a way to Redis of its own.
    pub(crate) fn new(app: &'a TestApp, history: &'a History) -> Self {
        let cache = cache_at(&rig().state.redis.url, rig().state.redis.cluster);
        Self { app, history, cache, seen: BTreeSet::new(), waiting: VecDeque::new() }
    }

    /// Works until it is over: looks, and carries if it is `carrying`.
    pub(crate) async fn work(&mut self, carrying: bool, over: &Cell<bool>) {
        while !over.get() {
            self.look().await;
            while carrying && self.waiting.front().is_some_and(|(since, _)| since.elapsed() >= LAG)
            {
                self.carry_one().await;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Carries all that has happened, at once.
    pub(crate) async fn carry_everything(&mut self) {
        self.look().await;
        while !self.waiting.is_empty() {
            self.carry_one().await;
        }
    }

    /// Takes what is new. The outbox is small, and rows of one moment come in any order: so it is asked for
    /// all that were not seen.
    async fn look(&mut self) {
        let seen: Vec<Uuid> = self.seen.iter().copied().collect();
        let sql = "SELECT payload FROM app.outbox WHERE id <> ALL ($1) ORDER BY created_at";
        let rows = self.app.db.rows(sql, &[&seen]).await;
        let (at, now) = (self.history.tick(), Instant::now());
        for row in rows {
            let event: Envelope = serde_json::from_value(row.get(0)).expect("an envelope");
            if let Some((task, version)) = Stale::of(&event).task {
                let fact = Fact { at, task, version };
                self.history.committed.borrow_mut().push((fact, now));
            }
            self.seen.insert(event.id);
            self.waiting.push_back((now, event));
        }
    }

    async fn carry_one(&mut self) {
        let Some((_, event)) = self.waiting.pop_front() else { return };
        let stale = Stale::of(&event);
        assert!(self.cache.drop(std::slice::from_ref(&stale)).await, "Redis is there");
        if let Some((task, version)) = stale.task {
            let fact = Fact { at: self.history.tick(), task, version };
            self.history.carried.borrow_mut().push(fact);
        }
    }
}

/// Of a session that nobody knows the user of, the event says nothing: and it is carried all the same.
#[tokio::test]
async fn what_makes_nothing_stale_is_dropped_without_redis() {
    let nowhere = cache_at("redis://127.0.0.1:1", false);
    assert!(nowhere.drop(&[Stale::default()]).await);
    let something = Stale { lists: vec![Uuid::nil()], ..Stale::default() };
    assert!(!nowhere.drop(&[something]).await);
}
