//! What a person does with the queues: count what waits, look at dead letters, and send them back to work.

mod count;
mod error;
mod look;
mod place;
mod redrive;

pub use count::Count;
pub use error::DeskError;
pub use look::Letter;
pub use place::Place;
pub use redrive::{Moved, Progress};

use aws_sdk_sqs::Client;

use error::refused;

/// The queues of one place, by their names.
pub struct Desk {
    client: Client,
}

impl Desk {
    /// The queues that this client reaches.
    pub const fn new(client: Client) -> Self {
        Self { client }
    }

    /// Where a queue is.
    async fn url(&self, name: &str) -> Result<String, DeskError> {
        let answer = Box::pin(self.client.get_queue_url().queue_name(name).send()).await;
        let answer = answer.map_err(|error| match error.as_service_error() {
            Some(of) if of.is_queue_does_not_exist() => DeskError::NotThere(name.to_owned()),
            _ => refused(format!("find the queue {name}"), &error),
        })?;
        answer.queue_url.ok_or_else(|| DeskError::NotThere(name.to_owned()))
    }
}
