//! What happens to a batch of messages.

use std::hash::{BuildHasher, RandomState};
use std::panic::AssertUnwindSafe;
use std::time::{Duration, SystemTime};

use futures_util::FutureExt;
use futures_util::future::join_all;
use telemetry::WorkLine;
use tokio::time::timeout;

use crate::app::WorkerApp;
use crate::message::{Answer, Batch, Event, Item, Message, Unreadable};
use crate::worker::{Cx, Failure, Worker};

/// What is kept of the function's time, to say what became of the messages.
const RESERVE: Duration = Duration::from_secs(2);

/// SQS lets no message wait longer than this.
const LONGEST_PAUSE: Duration = Duration::from_hours(12);

/// Deals with a batch. Says which messages are to come again; all others are done, or buried.
pub(crate) async fn answer<W: Worker>(
    app: &WorkerApp<W>,
    batch: &Batch,
    time_left: Duration,
) -> Answer {
    let work = Work { app, ends: app.clock.now() + time_left.saturating_sub(RESERVE) };
    let (mut readable, mut failed) = (Vec::new(), Vec::new());
    for message in &batch.records {
        match message.event() {
            Ok(event) => readable.push((message, event)),
            // During a deploy: a worker of the new release takes it next time.
            Err(why @ Unreadable::NotYet) => {
                failed.push((message, Failure::Retry(why.to_string())));
            }
            Err(why) => failed.push((message, Failure::Never(why.to_string()))),
        }
    }
    let (messages, events): (Vec<&Message>, Vec<Event>) = readable.into_iter().unzip();
    let results = work.all(&events).await;
    let failures = messages.into_iter().zip(results);
    failed.extend(failures.filter_map(|(message, result)| Some((message, result.err()?))));

    let again = failed.iter().map(|(message, failure)| work.again(message, failure));
    let again = join_all(again).await.into_iter().zip(&failed);
    let batch_item_failures = again
        .filter(|(again, _)| *again)
        .map(|(_, (message, _))| Item { item_identifier: message.id.clone() })
        .collect();
    Answer { batch_item_failures }
}

struct Work<'a, W: Worker> {
    app: &'a WorkerApp<W>,
    /// Until when the events must be dealt with.
    ends: SystemTime,
}

impl<W: Worker> Work<'_, W> {
    /// Deals with events. Says of each what became of it.
    async fn all(&self, events: &[Event]) -> Vec<Result<(), Failure>> {
        if !W::SPEC.together {
            return join_all(events.iter().map(|event| self.some(std::slice::from_ref(event))))
                .await;
        }
        if events.is_empty() {
            return Vec::new();
        }
        match self.some(events).await {
            Ok(()) => vec![Ok(()); events.len()],
            // No fault of theirs, or there is only one to be at fault.
            Err(failure @ Failure::Unavailable(_)) => vec![Err(failure); events.len()],
            Err(failure) if events.len() == 1 => vec![Err(failure)],
            Err(_) => {
                let mut results = Vec::with_capacity(events.len());
                for event in events {
                    results.push(self.some(std::slice::from_ref(event)).await);
                }
                results
            }
        }
    }

    /// Has the worker deal with some events at once, and writes the line that says so.
    async fn some(&self, events: &[Event]) -> Result<(), Failure> {
        let clock = &self.app.clock;
        let watch = clock.stopwatch();
        let time_left = self.ends.duration_since(clock.now()).unwrap_or_default();
        let cx = Cx { deps: &self.app.deps.0, clock, time_left };
        let handling = AssertUnwindSafe(W::handle(cx, events)).catch_unwind();
        let (result, tally) = telemetry::counted(timeout(time_left, handling)).await;
        let result = match result {
            Ok(Ok(result)) => result,
            Ok(Err(_panic)) => Err(Failure::Retry("the worker panicked".to_owned())),
            Err(_elapsed) => Err(Failure::Retry("the function's time was up".to_owned())),
        };
        let line = WorkLine {
            function: W::SPEC.name,
            events: events.iter().map(|event| &event.envelope).collect(),
            receives: events.iter().map(|event| event.receives).max().unwrap_or_default(),
            failure: result.as_ref().err().map(Failure::words),
            age: age_of(events, clock.now()),
            duration: watch.elapsed(),
            tally,
        };
        line.write();
        result
    }

    /// What is done with a message that failed. Says whether it is to come again.
    async fn again(&self, message: &Message, failure: &Failure) -> bool {
        let letters = &self.app.deps.1;
        let last = message.receives() >= W::SPEC.receives;
        if last || matches!(failure, Failure::Never(_)) {
            match letters.bury(&message.body, &message.texts(), failure.words()).await {
                Ok(()) => {
                    let (queue, reason) = (W::SPEC.queue.name(), failure.words());
                    tracing::error!(target: telemetry::TARGET, queue, reason, "a message is dead");
                    return false;
                }
                // It is not lost: it comes again, or SQS moves it.
                Err(why) => {
                    tracing::error!(target: telemetry::TARGET, why, "a message was not buried");
                    return true;
                }
            }
        }
        let pause = match failure {
            Failure::RetryIn(time, _) => *time + Duration::from_secs(1),
            _ => W::SPEC.pause(message.receives()).mul_f64(give_or_take_a_fifth(&message.id)),
        };
        if let Err(why) = letters.put_off(&message.receipt_handle, pause.min(LONGEST_PAUSE)).await {
            // Then it comes when the queue says so.
            tracing::warn!(target: telemetry::TARGET, why, "a message was not put off");
        }
        true
    }
}

/// How long ago the oldest of these happened.
fn age_of(events: &[Event], now: SystemTime) -> Duration {
    let oldest = events.iter().map(|event| event.envelope.at).min();
    let at = oldest.map(|at| SystemTime::from(at.to_offset_date_time()));
    at.and_then(|at| now.duration_since(at).ok()).unwrap_or_default()
}

/// By chance, so that messages that failed together do not come back together.
fn give_or_take_a_fifth(of: &str) -> f64 {
    const STEPS: u64 = 1000;
    let chance = u32::try_from(RandomState::new().hash_one(of) % STEPS).unwrap_or_default();
    0.8 + 0.4 * f64::from(chance) / 1000.0
}
