//! The queue whose messages say nothing but: there is something in the outbox.

use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use clock::Clock;
use config::{ConfigError, Deps, Need, Start, defaults};
use tokio::time::timeout;

use crate::sqs::{Sqs, words};

/// Wakes the relay.
pub struct Outbox {
    sqs: Sqs,
    url: String,
    clock: Clock,
    /// When it could last not be woken: for a while nobody waits for that again.
    failed_at: Mutex<Option<SystemTime>>,
}

impl Deps for Outbox {
    fn needs(needs: &mut Vec<Need>) {
        needs.push(Need::Wake);
    }

    fn prepare(start: &Start<'_>) -> Result<Self, ConfigError> {
        let url = start.env.required("OUTBOX_QUEUE_URL", "the queue that wakes the relay")?;
        let sqs = Sqs::new(defaults::WAKE, 1);
        Ok(Self { sqs, url, clock: start.clock.clone(), failed_at: Mutex::default() })
    }

    async fn warm_up(&self) {}
}

impl Outbox {
    /// Wakes the relay, if that is quickly done. If not, the next minute's schedule will: the event lies in
    /// the database.
    pub async fn wake(&self) {
        if self.failed_lately() {
            return;
        }
        let call = async {
            let client = self.sqs.client().await;
            client.send_message().queue_url(&self.url).message_body("wake").send().await
        };
        let why = match timeout(defaults::WAKE, Box::pin(call)).await {
            Ok(Ok(_)) => return,
            Ok(Err(error)) => words(&error),
            Err(_elapsed) => "no answer in time".to_owned(),
        };
        *self.failed_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.clock.now());
        tracing::warn!(target: telemetry::TARGET, why, "the relay was not woken");
    }

    fn failed_lately(&self) -> bool {
        let failed_at = *self.failed_at.lock().unwrap_or_else(PoisonError::into_inner);
        let since = failed_at.and_then(|at| self.clock.now().duration_since(at).ok());
        since.is_some_and(|since| since < defaults::WAKE_PAUSE)
    }

    /// Whether the queue answers.
    pub async fn is_up(&self) -> bool {
        let call = async {
            let client = self.sqs.client().await;
            client.get_queue_attributes().queue_url(&self.url).send().await
        };
        matches!(timeout(defaults::QUEUE_HEALTH, Box::pin(call)).await, Ok(Ok(_)))
    }
}
