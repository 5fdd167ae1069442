//! What a worker does with a message that it cannot deal with.

use std::time::Duration;

use config::{ConfigError, Deps, Need, Start, defaults};

use crate::sqs::{Sqs, text, words};

/// The queue that a worker serves, and its dead letters.
pub struct Letters {
    sqs: Sqs,
    queue: String,
    dead: String,
}

/// The most that is said of a reason.
const LONGEST_REASON: usize = 500;

impl Deps for Letters {
    fn needs(needs: &mut Vec<Need>) {
        needs.push(Need::Letters);
    }

    fn prepare(start: &Start<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            sqs: Sqs::new(defaults::QUEUE_ATTEMPT, defaults::QUEUE_ATTEMPTS),
            queue: start.env.required("QUEUE_URL", "the queue that this worker serves")?,
            dead: start.env.required("DEAD_LETTER_QUEUE_URL", "the dead letters of that queue")?,
        })
    }

    async fn warm_up(&self) {}
}

impl Letters {
    /// Has a message come back after this time.
    pub async fn put_off(&self, receipt: &str, time: Duration) -> Result<(), String> {
        let seconds = i32::try_from(time.as_secs()).unwrap_or(i32::MAX);
        let call = self.sqs.client().await.change_message_visibility();
        let call = call.queue_url(&self.queue).receipt_handle(receipt).visibility_timeout(seconds);
        Box::pin(call.send()).await.map(drop).map_err(|error| words(&error))
    }

    /// Sends a message to the dead letters, with the attributes it had and the reason. It still has to be
    /// acknowledged.
    pub async fn bury(
        &self,
        body: &str,
        attributes: &[(&str, &str)],
        reason: &str,
    ) -> Result<(), String> {
        let reason: String = reason
            .chars()
            .map(|letter| if letter.is_control() { ' ' } else { letter })
            .take(LONGEST_REASON)
            .collect();
        let mut call =
            self.sqs.client().await.send_message().queue_url(&self.dead).message_body(body);
        for (name, value) in attributes.iter().copied().chain([("reason", reason.as_str())]) {
            if let Some(value) = text(value) {
                call = call.message_attributes(name, value.map_err(|error| error.to_string())?);
            }
        }
        Box::pin(call.send()).await.map(drop).map_err(|error| words(&error))
    }
}
