//! Dead letters go back to their queue.

use std::time::Duration;

use aws_sdk_sqs::config::http::HttpResponse;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::{ListMessageMoveTasksResultEntry, Message, QueueAttributeName};
use tokio::time::sleep;

use super::error::refused;
use super::look::HIDDEN;
use super::{Desk, DeskError};

/// How far a redrive is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// So many messages have gone back,
    pub moved: u64,
    /// of so many.
    pub of: u64,
}

/// What came of a redrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// So many messages have gone back.
    pub moved: u64,
    /// So many are still there: somebody is looking at them, or they came meanwhile.
    pub left: u64,
}

/// How often SQS is asked how far it is.
const PAUSE: Duration = Duration::from_millis(500);

/// What those say that cannot move messages by themselves.
const CANNOT: [&str; 6] = [
    "AWS.SimpleQueueService.UnsupportedOperation",
    "InternalFailure",
    "InvalidAction",
    "NotImplemented",
    "UnknownOperation",
    "UnsupportedOperation",
];

impl Desk {
    /// Sends dead letters back to their queue, and tells how far it is.
    ///
    /// The queue is always named: SQS does not know where a message came from that a worker has put among
    /// the dead letters itself.
    pub async fn redrive(
        &self,
        queue: &str,
        dead: &str,
        mut tell: impl FnMut(Progress),
    ) -> Result<Moved, DeskError> {
        let source = self.arn(dead).await?;
        let request = self.client.start_message_move_task().source_arn(&source);
        let request = request.destination_arn(self.arn(queue).await?);
        let moved = match Box::pin(request.send()).await {
            Ok(_) => self.watch(dead, &source, &mut tell).await?,
            Err(error) if cannot(&error) => self.move_by_hand(queue, dead, &mut tell).await?,
            Err(error) => return Err(refused(format!("begin to move {dead}"), &error)),
        };
        let left = self.count(dead).await?;
        Ok(Moved { moved, left: left.visible + left.in_flight })
    }

    /// Waits until SQS has moved all of it.
    async fn watch(
        &self,
        dead: &str,
        source: &str,
        tell: &mut impl FnMut(Progress),
    ) -> Result<u64, DeskError> {
        loop {
            let request = self.client.list_message_move_tasks().source_arn(source).max_results(1);
            let tasks = Box::pin(request.send()).await;
            let tasks = tasks.map_err(|error| refused("say how far it is", &error))?;
            let Some(task) = tasks.results.unwrap_or_default().into_iter().next() else {
                return Ok(0);
            };
            let progress = progress(&task);
            tell(progress);
            match task.status.as_deref() {
                Some("COMPLETED") => return Ok(progress.moved),
                Some("FAILED" | "CANCELLED") => {
                    let why = task.failure_reason.unwrap_or_else(|| "it was cancelled".to_owned());
                    return Err(DeskError::Refused { doing: format!("move all of {dead}"), why });
                }
                _ => sleep(PAUSE).await,
            }
        }
    }

    /// Moves messages one by one, where SQS does not: sent first and deleted then, so that none is lost; one
    /// may arrive twice, and workers know it by its id. No more than there are now: what fails again at once
    /// would go in circles.
    pub async fn move_by_hand(
        &self,
        queue: &str,
        dead: &str,
        tell: &mut impl FnMut(Progress),
    ) -> Result<u64, DeskError> {
        let (from, to) = (self.url(dead).await?, self.url(queue).await?);
        let of = self.count(dead).await?.visible;
        let mut moved = 0;
        while moved < of {
            let most = usize::try_from(of - moved).unwrap_or(usize::MAX);
            let some = self.receive(dead, &from, most, HIDDEN).await?;
            if some.is_empty() {
                break;
            }
            for message in some {
                self.move_one(&from, &to, message).await?;
                moved += 1;
                tell(Progress { moved, of });
            }
        }
        Ok(moved)
    }

    async fn move_one(&self, from: &str, to: &str, message: Message) -> Result<(), DeskError> {
        let request = self.client.send_message().queue_url(to);
        let request = request
            .message_body(message.body.unwrap_or_default())
            .set_message_attributes(message.message_attributes);
        Box::pin(request.send())
            .await
            .map_err(|error| refused("take a message back, which stays where it is", &error))?;
        let request = self.client.delete_message().queue_url(from);
        let request = request.set_receipt_handle(message.receipt_handle);
        Box::pin(request.send())
            .await
            .map_err(|error| refused("remove a message that has gone back already", &error))?;
        Ok(())
    }

    async fn arn(&self, name: &str) -> Result<String, DeskError> {
        let arn = self.attributes(name).await?.remove(&QueueAttributeName::QueueArn);
        arn.ok_or_else(|| DeskError::NotThere(name.to_owned()))
    }
}

fn progress(task: &ListMessageMoveTasksResultEntry) -> Progress {
    let number = |count: i64| u64::try_from(count).unwrap_or_default();
    let moved = number(task.approximate_number_of_messages_moved);
    let of = task.approximate_number_of_messages_to_move.map_or(moved, number);
    Progress { moved, of: of.max(moved) }
}

fn cannot<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    error.code().is_some_and(|code| CANNOT.contains(&code))
}
