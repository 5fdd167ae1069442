//! Gathers the messages of a queue into batches, and waits when there is no queue.

use std::time::{Duration, Instant};

use aws_sdk_sqs::types::Message;
use tokio::sync::{oneshot, watch};

use super::queue::{Queue, Trouble};
use crate::lambda::{Logs, PAYLOAD_LIMIT, Stream};
use crate::template::QueueSource;

/// Tells when to stop: its sender is gone.
#[derive(Clone)]
pub(super) struct Stop(pub(super) watch::Receiver<()>);

impl Stop {
    /// Returns when it is time to stop, and from then on at once.
    pub(super) async fn stopped(&mut self) {
        while self.0.changed().await.is_ok() {}
    }
}

/// Where a mapping's batches come from.
pub(super) struct Intake {
    queue: Queue,
    batch_size: usize,
    window: Duration,
    function: String,
    logs: Logs,
    stop: Stop,
    /// What was said of the queue that is not well.
    said: Option<String>,
}

/// The longest that SQS waits for a message, in seconds.
const LONG_POLL: i32 = 20;
/// Between two attempts when there is no queue: at first, and at most.
const PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

impl Intake {
    pub(super) fn new(
        queue: Queue,
        source: &QueueSource,
        function: &str,
        logs: Logs,
        stop: Stop,
    ) -> Self {
        let (batch_size, window) = (source.batch_size, source.window);
        Self { queue, batch_size, window, function: function.to_owned(), logs, stop, said: None }
    }

    /// The next batch, or none if it is time to stop. A batch that is being gathered then is not
    /// lost: it is the last one.
    pub(super) async fn batch(&mut self) -> Option<Vec<Message>> {
        let mut batch = self.first().await?;
        let end = Instant::now() + self.window;
        while batch.len() < self.batch_size && size(&batch) < PAYLOAD_LIMIT {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            // SQS counts in whole seconds.
            let wait = i32::try_from(left.as_millis().div_ceil(1000)).unwrap_or(LONG_POLL);
            match self.receive(self.batch_size - batch.len(), wait.min(LONG_POLL)).await {
                Some(Ok(messages)) => batch.extend(messages),
                // Whatever it is, the next call will meet it again.
                Some(Err(_)) | None => break,
            }
        }
        Some(batch)
    }

    /// Waits for the first messages of a batch, however long that takes.
    async fn first(&mut self) -> Option<Vec<Message>> {
        let mut pause = PAUSE;
        loop {
            // Of a queue that was not well it should soon be known that it is again.
            let wait = if self.said.is_some() { 0 } else { LONG_POLL };
            match self.receive(self.batch_size, wait).await? {
                Ok(messages) => {
                    self.well();
                    pause = PAUSE;
                    if !messages.is_empty() {
                        return Some(messages);
                    }
                }
                Err(trouble) => {
                    self.unwell(&trouble);
                    tokio::select! {
                        () = tokio::time::sleep(pause) => {}
                        () = self.stop.stopped() => return None,
                    }
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// One call, or nothing if it is time to stop.
    ///
    /// A call that was made is always waited for, by a task of its own: LocalStack does not notice
    /// that a caller has gone, and would give him the next messages.
    async fn receive(&mut self, most: usize, wait: i32) -> Option<Result<Vec<Message>, Trouble>> {
        let (tell, mut told) = oneshot::channel();
        let queue = self.queue.clone();
        tokio::spawn(async move {
            let received = queue.receive(most, wait).await;
            if let Err(Ok(messages)) = tell.send(received)
                && !messages.is_empty()
            {
                queue.give_back(messages).await;
            }
        });
        tokio::select! {
            biased;
            received = &mut told => received.ok(),
            () = self.stop.stopped() => {
                told.close();
                told.try_recv().ok()
            }
        }
    }

    /// Says once what is wrong.
    fn unwell(&mut self, trouble: &Trouble) {
        let name = &self.queue.name;
        let (what, why) = match trouble {
            Trouble::NoQueue => (format!("the queue {name} is not there"), String::new()),
            Trouble::NoAnswer(why) => {
                (format!("the queue {name} does not answer"), format!(" ({why})"))
            }
        };
        if self.said.as_ref() != Some(&what) {
            self.line(&format!("{what}{why}; it is asked again and again"));
            self.said = Some(what);
        }
    }

    fn well(&mut self) {
        if self.said.take().is_some() {
            self.line(&format!("the queue {} is back", self.queue.name));
        }
    }

    fn line(&self, words: &str) {
        self.logs.line(&self.function, Stream::Runner, words);
    }
}

fn size(batch: &[Message]) -> usize {
    batch.iter().filter_map(Message::body).map(str::len).sum()
}
