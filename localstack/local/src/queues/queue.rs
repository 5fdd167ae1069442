//! One queue, as a mapping uses it.

use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::operation::receive_message::ReceiveMessageError;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry, Message,
    MessageSystemAttributeName,
};

use super::{Queues, words};

/// A queue.
#[derive(Clone)]
pub(super) struct Queue {
    client: Client,
    url: String,
    /// Its name.
    pub(super) name: String,
}

/// Why a queue gives nothing.
pub(super) enum Trouble {
    /// Whoever has it does not know it.
    NoQueue,
    /// Nobody answers, or not as a queue does.
    NoAnswer(String),
}

/// How many messages SQS takes, or gives, in one call.
pub(super) const CALL: usize = 10;
/// How often messages are deleted that should be gone.
const DELETIONS: u32 = 4;
/// Before the second deletion. Before each further one twice as long.
const PAUSE: Duration = Duration::from_millis(200);

impl Queue {
    pub(super) fn new(queues: &Queues, arn: &str) -> Self {
        let name = arn.rsplit(':').next().unwrap_or(arn).to_owned();
        Self { client: queues.client().clone(), url: queues.url(&name), name }
    }

    /// Takes messages, at most as many as one call gives. With none there it waits for one.
    pub(super) async fn receive(&self, most: usize, wait: i32) -> Result<Vec<Message>, Trouble> {
        let request = self
            .client
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(i32::try_from(most.min(CALL)).unwrap_or(1))
            .wait_time_seconds(wait)
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .message_attribute_names("All");
        match Box::pin(request.send()).await {
            Ok(answer) => Ok(answer.messages.unwrap_or_default()),
            Err(error) => {
                let refusal = error.as_service_error();
                Err(if refusal.is_some_and(ReceiveMessageError::is_queue_does_not_exist) {
                    Trouble::NoQueue
                } else {
                    Trouble::NoAnswer(words(&error))
                })
            }
        }
    }

    /// Messages that nobody has begun with can be taken again at once.
    pub(super) async fn give_back(&self, messages: Vec<Message>) {
        let entry = |(number, message): (usize, Message)| {
            ChangeMessageVisibilityBatchRequestEntry::builder()
                .id(number.to_string())
                .set_receipt_handle(message.receipt_handle)
                .visibility_timeout(0)
                .build()
                .ok()
        };
        let entries = messages.into_iter().enumerate().filter_map(entry).collect();
        let request = self.client.change_message_visibility_batch().queue_url(&self.url);
        // If it fails, their visibility timeout brings them back.
        let _ = Box::pin(request.set_entries(Some(entries)).send()).await;
    }

    /// Deletes the messages with these receipts. Returns how many are not, and why.
    pub(super) async fn delete(&self, receipts: Vec<String>) -> Result<(), (usize, String)> {
        let mut left = receipts;
        let mut why = String::new();
        for attempt in 0..DELETIONS {
            if attempt > 0 {
                tokio::time::sleep(PAUSE * 2_u32.pow(attempt - 1)).await;
            }
            let mut failed = Vec::new();
            for receipts in left.chunks(CALL) {
                if let Err((receipts, words)) = self.delete_once(receipts).await {
                    failed.extend(receipts);
                    why = words;
                }
            }
            left = failed;
            if left.is_empty() {
                return Ok(());
            }
        }
        Err((left.len(), why))
    }

    /// Deletes as many as one call takes. Returns those that are not, and why.
    async fn delete_once(&self, receipts: &[String]) -> Result<(), (Vec<String>, String)> {
        let entry = |(number, receipt): (usize, &String)| {
            let entry = DeleteMessageBatchRequestEntry::builder().id(number.to_string());
            entry.receipt_handle(receipt).build().ok()
        };
        let entries = receipts.iter().enumerate().filter_map(entry).collect();
        let request = self.client.delete_message_batch().queue_url(&self.url);
        let answer = match Box::pin(request.set_entries(Some(entries)).send()).await {
            Ok(answer) => answer,
            Err(error) => return Err((receipts.to_vec(), words(&error))),
        };
        let Some(first) = answer.failed().first() else { return Ok(()) };
        let why = first.message().unwrap_or_else(|| first.code()).to_owned();
        let number = |id: &str| id.parse::<usize>().ok();
        let failed = answer.failed().iter().filter_map(|entry| receipts.get(number(entry.id())?));
        Err((failed.cloned().collect(), why))
    }
}
