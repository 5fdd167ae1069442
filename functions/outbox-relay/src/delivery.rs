//! Carries what was lent: to the queues, and out of the caches.

use std::collections::BTreeMap;

use cache::{Cache, Stale};
use clock::Clock;
use config::defaults;
use db::{Lent, OutboxKey};
use domain::event::{Envelope, Queue};
use futures_util::future::join_all;
use queue::{Outgoing, Queues};
use tokio::time::sleep;

use crate::Done;

/// From so many attempts on, each further one is told.
const MANY_ATTEMPTS: i32 = 10;
/// What Redis could not be told is remembered, up to so many events.
const MOST_STALE: usize = 10_000;
/// What Redis is told in one call.
const STALE_AT_ONCE: usize = 100;
/// How often Redis is told in the end.
const LAST_TRIES: u32 = 3;

pub(crate) struct Delivery<'a> {
    clock: &'a Clock,
    cache: &'a Cache,
    queues: &'a Queues,
    /// What Redis has not been told yet.
    stale: Vec<Stale>,
}

/// An event that can be read.
struct Ready {
    key: OutboxKey,
    envelope: Envelope,
    body: String,
    schema: String,
}

impl<'a> Delivery<'a> {
    pub(crate) const fn new(clock: &'a Clock, cache: &'a Cache, queues: &'a Queues) -> Self {
        Self { clock, cache, queues, stale: Vec::new() }
    }

    /// Carries events. Each of them is sent, or refused.
    pub(crate) async fn carry(&mut self, lent: Vec<Lent>) -> Done {
        let lent_at = self.clock.now();
        let mut done = Done::default();
        let mut ready = Vec::with_capacity(lent.len());
        for event in lent {
            if event.attempts >= MANY_ATTEMPTS {
                let (of, version) = event.key;
                let attempts = event.attempts;
                tracing::error!(target: telemetry::TARGET, %of, version, attempts, "an event is stuck");
            }
            match Ready::of(&event) {
                Some(event) => ready.push(event),
                // Of a release to come, whose relay will know where it goes.
                None => done.refused.push(event.key),
            }
        }
        self.drop_stale(&ready).await;
        // Frozen meanwhile? What was lent may be lent to another, and a later version on its way.
        let age = self.clock.now().duration_since(lent_at).unwrap_or_default();
        if age > defaults::RELAY_LEASE / 2 {
            done.refused.extend(ready.iter().map(|event| event.key));
            return done;
        }
        let refused = self.send(&ready).await;
        for (index, event) in ready.iter().enumerate() {
            if refused.contains(&index) {
                done.refused.push(event.key);
            } else {
                done.sent.push(event.key);
            }
        }
        done
    }

    /// Tells Redis what is out of date. What it cannot be told is told later.
    async fn drop_stale(&mut self, events: &[Ready]) {
        let room = MOST_STALE.saturating_sub(self.stale.len());
        self.stale.extend(events.iter().map(|event| Stale::of(&event.envelope)).take(room));
        // A call of Redis has a budget, so what has piled up goes in parts.
        while !self.stale.is_empty() {
            let part = self.stale.len().min(STALE_AT_ONCE);
            if !self.cache.drop(&self.stale[..part]).await {
                return;
            }
            self.stale.drain(..part);
        }
    }

    /// Tells Redis what it could not be told before, a last few times.
    pub(crate) async fn settle(&mut self) {
        for _ in 0..LAST_TRIES {
            self.drop_stale(&[]).await;
            if self.stale.is_empty() {
                return;
            }
            sleep(defaults::BREAKER_FIRST_PAUSE).await;
        }
        let events = self.stale.len();
        let why = "Redis was not told what is out of date; what it kept lives until its time is up";
        tracing::error!(target: telemetry::TARGET, events, "{why}");
        self.stale.clear();
    }

    /// Sends events to all their queues at the same time. Answers which ones a queue refused.
    async fn send(&self, events: &[Ready]) -> Vec<usize> {
        let mut by_queue: BTreeMap<Queue, Vec<usize>> = BTreeMap::new();
        for (index, event) in events.iter().enumerate() {
            for queue in event.envelope.event.queues() {
                by_queue.entry(*queue).or_default().push(index);
            }
        }
        let calls = by_queue.into_iter().map(|(queue, which)| async move {
            let messages: Vec<_> = which.iter().map(|index| events[*index].outgoing()).collect();
            let accepted = self.queues.send(queue, &messages).await;
            let refused = which.into_iter().zip(accepted).filter(|(_, accepted)| !accepted);
            refused.map(|(index, _)| index).collect::<Vec<_>>()
        });
        join_all(calls).await.concat()
    }
}

impl Ready {
    fn of(event: &Lent) -> Option<Self> {
        let envelope: Envelope = serde_json::from_value(event.payload.clone()).ok()?;
        // Written anew, so that its members come in the order of the contract.
        let body = acceptable(serde_json::to_string(&envelope).ok()?);
        let schema = envelope.schema.to_string();
        Some(Self { key: event.key, envelope, body, schema })
    }

    /// The message, with what can be known of it without reading it.
    fn outgoing(&self) -> Outgoing<'_> {
        let Envelope { event, request_id, traceparent, .. } = &self.envelope;
        Outgoing {
            body: &self.body,
            attributes: [
                ("event", event.name()),
                ("schema", &self.schema),
                ("requestId", request_id),
                ("traceparent", traceparent.as_deref().unwrap_or_default()),
            ],
        }
    }
}

/// JSON that SQS accepts: two characters that may stand in it as they are, it takes only as escapes. (It
/// refuses all that XML cannot hold; what is below U+0020 JSON escapes anyway.)
fn acceptable(json: String) -> String {
    if json.contains(['\u{FFFE}', '\u{FFFF}']) {
        json.replace('\u{FFFE}', "\\ufffe").replace('\u{FFFF}', "\\uffff")
    } else {
        json
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn what_sqs_refuses_is_escaped_and_means_the_same() {
        let value = json!({"title": "a\u{FFFE}b\u{FFFF}c ä"});
        let body = acceptable(value.to_string());
        assert!(!body.contains(['\u{FFFE}', '\u{FFFF}']), "{body:?}");
        assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), value);
        assert_eq!(acceptable("{}".to_owned()), "{}");
    }
}
