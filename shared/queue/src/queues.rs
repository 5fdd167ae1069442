//! The queues that events go to.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_sqs::error::BuildError;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use config::{ConfigError, Deps, Need, Start, defaults};
use domain::event::Queue;
use futures_util::future::join_all;
use tokio::time::sleep;

use crate::sqs::{Sqs, text, words};

/// Sends events.
pub struct Queues {
    sqs: Sqs,
    urls: BTreeMap<Queue, String>,
}

/// An event on its way.
pub struct Outgoing<'a> {
    /// The envelope.
    pub body: &'a str,
    /// What can be known of it without reading it.
    pub attributes: [(&'static str, &'a str); 4],
}

/// What SQS takes in one call: so many messages,
const MOST_MESSAGES: usize = 10;
/// and together so many bytes. (It is 1 MiB today; it was this for long, and emulators still say so.)
const MOST_BYTES: usize = 256 * 1024;
/// What is kept free of those for a message's attributes.
const ATTRIBUTES: usize = 1024;
/// How often what was refused for no fault of ours is sent again.
const RETRIES: u32 = 2;

impl Deps for Queues {
    fn needs(needs: &mut Vec<Need>) {
        needs.push(Need::Queues);
    }

    fn prepare(start: &Start<'_>) -> Result<Self, ConfigError> {
        let url = |setting: &str| start.env.required::<String>(setting, "the URL of a queue");
        let urls = [
            (Queue::Notifications, url("NOTIFICATIONS_QUEUE_URL")?),
            (Queue::Analytics, url("ANALYTICS_QUEUE_URL")?),
            (Queue::Audit, url("AUDIT_QUEUE_URL")?),
            (Queue::Exports, url("EXPORTS_QUEUE_URL")?),
        ];
        let sqs = Sqs::new(defaults::QUEUE_ATTEMPT, defaults::QUEUE_ATTEMPTS);
        Ok(Self { sqs, urls: urls.into() })
    }

    async fn warm_up(&self) {
        self.sqs.client().await;
    }
}

impl Queues {
    /// Sends messages to one queue, in calls of as many as SQS takes, all at the same time. Says of each
    /// message whether it was accepted.
    pub async fn send(&self, queue: Queue, messages: &[Outgoing<'_>]) -> Vec<bool> {
        let calls = packed(messages).into_iter().map(|some| self.send_some(queue, some));
        join_all(calls).await.concat()
    }

    /// One call, and further ones for what was refused and may be accepted next time.
    async fn send_some(&self, queue: Queue, messages: &[Outgoing<'_>]) -> Vec<bool> {
        let mut accepted = vec![false; messages.len()];
        let mut waiting: Vec<usize> = (0..messages.len()).collect();
        for retry in 0..=RETRIES {
            match Box::pin(self.send_once(queue, messages, &waiting)).await {
                Ok(refused) => {
                    for index in waiting {
                        accepted[index] = !refused.iter().any(|(of, _)| *of == index);
                    }
                    waiting =
                        refused.into_iter().filter(|(_, again)| *again).map(|r| r.0).collect();
                }
                Err(why) => {
                    let queue = queue.name();
                    tracing::warn!(target: telemetry::TARGET, queue, why, "nothing could be sent");
                    break;
                }
            }
            if waiting.is_empty() {
                break;
            }
            sleep(Duration::from_millis(50 << retry)).await;
        }
        accepted
    }

    /// One call. Answers what was refused, and whether another attempt may help.
    async fn send_once(
        &self,
        queue: Queue,
        messages: &[Outgoing<'_>],
        which: &[usize],
    ) -> Result<Vec<(usize, bool)>, String> {
        let url = self.urls.get(&queue).ok_or("no events go to this queue")?;
        let entries: Result<Vec<_>, BuildError> =
            which.iter().map(|index| entry(*index, &messages[*index])).collect();
        let entries = entries.map_err(|error| error.to_string())?;
        let call = self.sqs.client().await.send_message_batch().queue_url(url);
        let answer = call.set_entries(Some(entries)).send().await;
        let answer = answer.map_err(|error| words(&error))?;
        let refused = answer.failed().iter().map(|entry| {
            let (code, words) = (entry.code(), entry.message());
            tracing::warn!(target: telemetry::TARGET, queue = queue.name(), code, words, "refused");
            entry.id().parse().map(|index| (index, !entry.sender_fault()))
        });
        refused.collect::<Result<_, _>>().map_err(|_| "an id that was not sent".to_owned())
    }
}

fn entry(index: usize, message: &Outgoing<'_>) -> Result<SendMessageBatchRequestEntry, BuildError> {
    let mut entry =
        SendMessageBatchRequestEntry::builder().id(index.to_string()).message_body(message.body);
    for (name, value) in message.attributes {
        if let Some(value) = text(value) {
            entry = entry.message_attributes(name, value?);
        }
    }
    entry.build()
}

/// The messages in runs of as many as fit into one call.
fn packed<'m, 'a>(mut messages: &'m [Outgoing<'a>]) -> Vec<&'m [Outgoing<'a>]> {
    let mut runs = Vec::new();
    while !messages.is_empty() {
        let mut bytes = 0;
        let fits = messages.iter().take(MOST_MESSAGES).take_while(|message| {
            bytes += message.body.len() + ATTRIBUTES;
            bytes <= MOST_BYTES
        });
        // One that is too large by itself is sent by itself, and refused by SQS.
        let (run, rest) = messages.split_at(fits.count().max(1));
        runs.push(run);
        messages = rest;
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(bodies: &[usize]) -> Vec<usize> {
        let bodies: Vec<String> = bodies.iter().map(|size| "x".repeat(*size)).collect();
        let messages: Vec<_> =
            bodies.iter().map(|body| Outgoing { body, attributes: [("a", ""); 4] }).collect();
        packed(&messages).iter().map(|run| run.len()).collect()
    }

    #[test]
    fn a_call_takes_ten_messages_and_not_too_many_bytes() {
        assert_eq!(sizes(&[]), [0; 0]);
        assert_eq!(sizes(&[1; 10]), [10]);
        assert_eq!(sizes(&[1; 23]), [10, 10, 3]);
        assert_eq!(sizes(&[100_000; 5]), [2, 2, 1]);
        assert_eq!(sizes(&[1, 300_000, 1]), [1, 1, 1]);
    }
}
