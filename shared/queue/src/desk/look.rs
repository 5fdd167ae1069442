//! A look at dead letters, which leaves them where they are.

use std::collections::HashSet;

use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::error::refused;
use super::{Desk, DeskError};

/// For how many seconds a message that is looked at is nobody else's: a look that is broken off hides it for
/// as long.
pub(super) const HIDDEN: i32 = 30;
/// SQS gives no more at a time.
pub(super) const MOST: i32 = 10;
/// Waiting makes SQS ask all its servers, and not just some.
pub(super) const WAIT: i32 = 1;

/// A message that nobody could deal with.
#[derive(Clone, Debug)]
pub struct Letter {
    /// What SQS calls it.
    pub id: String,
    /// Why it is here, if its worker said so. SQS says nothing when it moves a message itself.
    pub reason: Option<String>,
    /// What happened.
    pub event: Option<String>,
    /// To which task.
    pub task: Option<String>,
    /// The event's own id.
    pub event_id: Option<String>,
    /// The request that did it.
    pub request: Option<String>,
    /// How often it has been received, by this look too.
    pub received: Option<u32>,
    /// When it was sent.
    pub sent_at: Option<String>,
    /// All of it.
    pub body: String,
}

impl Desk {
    /// Looks at some messages of a queue. They stay there, and are visible again afterwards; SQS counts the
    /// look as a receive.
    pub async fn look(&self, name: &str, most: usize) -> Result<Vec<Letter>, DeskError> {
        let url = self.url(name).await?;
        let mut seen = HashSet::new();
        let (mut letters, mut receipts) = (Vec::new(), Vec::new());
        while letters.len() < most {
            let some = self.receive(name, &url, most - letters.len(), HIDDEN).await?;
            let before = letters.len();
            for message in &some {
                receipts.extend(message.receipt_handle.clone());
                if seen.insert(message.message_id.clone()) {
                    letters.push(letter(message));
                }
            }
            if letters.len() == before {
                break;
            }
        }
        for receipt in receipts {
            let request = self.client.change_message_visibility().queue_url(&url);
            let request = request.receipt_handle(receipt).visibility_timeout(0);
            Box::pin(request.send())
                .await
                .map_err(|error| refused("show the messages again, which it will soon", &error))?;
        }
        Ok(letters)
    }

    /// Some messages, with all that is known of them.
    pub(super) async fn receive(
        &self,
        name: &str,
        url: &str,
        most: usize,
        hidden: i32,
    ) -> Result<Vec<Message>, DeskError> {
        let most = i32::try_from(most).unwrap_or(MOST).min(MOST);
        let request = self.client.receive_message().queue_url(url).max_number_of_messages(most);
        let request = request.wait_time_seconds(WAIT).visibility_timeout(hidden);
        let request = request
            .message_attribute_names("All")
            .message_system_attribute_names(MessageSystemAttributeName::All);
        let answer = Box::pin(request.send()).await;
        let answer = answer.map_err(|error| refused(format!("give messages of {name}"), &error))?;
        Ok(answer.messages.unwrap_or_default())
    }
}

fn letter(message: &Message) -> Letter {
    let attribute = |name: &str| {
        let attribute = message.message_attributes.as_ref()?.get(name)?;
        attribute.string_value.clone()
    };
    let system = |name: MessageSystemAttributeName| message.attributes.as_ref()?.get(&name);
    let body = message.body.clone().unwrap_or_default();
    let event: Value = serde_json::from_str(&body).unwrap_or_default();
    let text = |name: &str| event[name].as_str().map(str::to_owned);
    let sent = system(MessageSystemAttributeName::SentTimestamp).and_then(|at| moment(at));
    let received = system(MessageSystemAttributeName::ApproximateReceiveCount);
    Letter {
        id: message.message_id.clone().unwrap_or_default(),
        reason: attribute("reason"),
        event: attribute("event").or_else(|| text("event")),
        task: text("taskId"),
        event_id: text("id"),
        request: attribute("requestId").or_else(|| text("requestId")),
        received: received.and_then(|count| count.parse().ok()),
        sent_at: sent,
        body,
    }
}

/// Milliseconds since 1970, as people read them.
fn moment(milliseconds: &str) -> Option<String> {
    let seconds = milliseconds.parse::<i64>().ok()? / 1000;
    OffsetDateTime::from_unix_timestamp(seconds).ok()?.format(&Rfc3339).ok()
}
