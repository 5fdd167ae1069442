//! How many messages a queue has.

use std::collections::HashMap;

use aws_sdk_sqs::types::QueueAttributeName;

use super::error::refused;
use super::{Desk, DeskError};

/// How many messages a queue has, as SQS estimates it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Those that wait.
    pub visible: u64,
    /// Those that somebody has received and not dealt with yet.
    pub in_flight: u64,
    /// Those that were sent for later.
    pub delayed: u64,
}

impl Desk {
    /// Counts the messages of a queue.
    pub async fn count(&self, name: &str) -> Result<Count, DeskError> {
        use QueueAttributeName as Name;
        let attributes = self.attributes(name).await?;
        let number =
            |of: &Name| attributes.get(of).and_then(|n| n.parse().ok()).unwrap_or_default();
        Ok(Count {
            visible: number(&Name::ApproximateNumberOfMessages),
            in_flight: number(&Name::ApproximateNumberOfMessagesNotVisible),
            delayed: number(&Name::ApproximateNumberOfMessagesDelayed),
        })
    }

    /// What else there is to know of a queue.
    pub(super) async fn attributes(
        &self,
        name: &str,
    ) -> Result<HashMap<QueueAttributeName, String>, DeskError> {
        let url = self.url(name).await?;
        let request = self.client.get_queue_attributes().queue_url(url);
        let answer = Box::pin(request.attribute_names(QueueAttributeName::All).send()).await;
        let answer =
            answer.map_err(|error| refused(format!("describe the queue {name}"), &error))?;
        Ok(answer.attributes.unwrap_or_default())
    }
}
