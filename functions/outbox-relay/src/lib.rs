//! Carries events from the outbox to the queues.
//!
//! A write that finds nobody awake wakes it; the schedule of every minute is the net under that. While there
//! is work it goes on, until shortly before its time is up, and says by a heartbeat that it is awake. When
//! there was nothing to do for a while it takes the heartbeat away *and then looks once more*: who
//! committed before that is seen now, and who commits later finds nobody awake.
//!
//! An event is lent to it by the database, a task's oldest only; sent to every queue of the routing table;
//! and leaves the outbox when all of them have accepted it. If one refuses, it stays, and goes to all of
//! them again later: consumers know what they have dealt with. Nothing is ever dropped.

mod delivery;
mod pulse;

use std::time::{Duration, SystemTime};

use cache::Cache;
use config::defaults;
use db::{DbError, Lent, OutboxKey, WorkerDb};
use domain::event::Queue;
use queue::{Outbox, Queues};
use serde_json::{Value, json};
use tokio::time::sleep;
use worker::{Job, JobCx, JobSpec, Schedule};

use crate::delivery::Delivery;
use crate::pulse::Pulse;

/// The relay.
pub struct OutboxRelay;

/// What it touches besides the database and Redis: where events go, and what wakes the next relay.
type Ways = (Queues, Outbox);

impl Job for OutboxRelay {
    const SPEC: JobSpec = JobSpec::of(env!("CARGO_PKG_NAME"))
        .timeout(60)
        .woken_by(Queue::Outbox)
        .schedules(&[Schedule { name: "EveryMinute", at: "rate(1 minute)", input: "" }]);
    type Deps = (WorkerDb, Cache, Ways);

    async fn run(cx: JobCx<'_, Self>, _: Value) -> Result<Value, String> {
        let stops = cx.clock.now() + cx.time_left.saturating_sub(defaults::RELAY_RESERVE);
        let (db, cache, (queues, outbox)) = cx.deps;
        let mut run = Run {
            db,
            delivery: Delivery::new(cx.clock, cache, queues),
            done: Done::default(),
            count: Count::default(),
        };
        let mut pulse = Pulse::new(cx.clock, cache);
        let result = run.until(stops, &mut pulse).await;
        run.delivery.settle().await;
        if let Ok(Ended::TimeIsUp) = result {
            // There may be more: the next one need not wait for the minute to pass.
            outbox.wake().await;
        }
        result.map_err(|error| error.to_string())?;
        run.report().await.map_err(|error| error.to_string())
    }
}

/// One invocation's work.
struct Run<'a> {
    db: &'a WorkerDb,
    delivery: Delivery<'a>,
    done: Done,
    count: Count,
}

/// What has become of the events that were lent, and the database does not know yet.
#[derive(Default)]
struct Done {
    sent: Vec<OutboxKey>,
    refused: Vec<OutboxKey>,
}

/// What an invocation did.
#[derive(Default)]
struct Count {
    sent: usize,
    refused: usize,
    oldest: Duration,
}

/// Why it stops.
enum Ended {
    NothingToDo,
    TimeIsUp,
}

impl Run<'_> {
    /// Carries events until there are none, or time is up.
    async fn until(&mut self, stops: SystemTime, pulse: &mut Pulse<'_>) -> Result<Ended, DbError> {
        loop {
            let ended = self.awake(stops, pulse).await;
            // Whatever ended it, writers must not believe that somebody is awake.
            pulse.rest().await;
            let ended = ended?;
            // Whoever found the heartbeat there has committed before this look.
            if !self.step().await? {
                return Ok(ended);
            }
            if matches!(ended, Ended::TimeIsUp) {
                // What it has just sent leaves; nothing more is lent.
                self.lend(0).await?;
                return Ok(ended);
            }
        }
    }

    /// Carries events, with a heartbeat.
    async fn awake(&mut self, stops: SystemTime, pulse: &mut Pulse<'_>) -> Result<Ended, DbError> {
        loop {
            let heard = pulse.beat().await;
            if self.step().await? {
                pulse.worked();
            } else if !heard || pulse.idle() >= defaults::RELAY_IDLE {
                // Somebody else is awake and sees what comes, or nothing came for a while.
                return Ok(Ended::NothingToDo);
            } else {
                sleep(pulse.pause()).await;
            }
            if pulse.now() >= stops {
                return Ok(Ended::TimeIsUp);
            }
        }
    }

    /// Tells the database what was done, and carries what it lends. Says whether there was anything.
    async fn step(&mut self) -> Result<bool, DbError> {
        let lent = self.lend(defaults::RELAY_BATCH).await?;
        if lent.is_empty() {
            return Ok(false);
        }
        self.count.oldest = lent.iter().map(|event| event.age).max().unwrap_or_default();
        self.done = self.delivery.carry(lent).await;
        self.count.sent += self.done.sent.len();
        self.count.refused += self.done.refused.len();
        Ok(true)
    }

    async fn lend(&mut self, limit: i32) -> Result<Vec<Lent>, DbError> {
        let lent = self.db.relay(&self.done.sent, &self.done.refused, limit).await?;
        self.done = Done::default();
        Ok(lent)
    }

    /// What the log says of this run.
    async fn report(&self) -> Result<Value, DbError> {
        let waiting = self.db.outbox().await?;
        Ok(json!({
            "sent": self.count.sent,
            "refused": self.count.refused,
            "pending": waiting.pending,
            "oldest_age_seconds": waiting.oldest.unwrap_or_default().as_secs_f64(),
        }))
    }
}
