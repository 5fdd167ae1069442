//! An event source mapping.

use std::sync::Arc;

use aws_sdk_sqs::types::Message;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use super::event::{Batch, Held};
use super::intake::{Intake, Stop};
use super::queue::Queue;
use super::{Queues, answer, event};
use crate::lambda::{Function, Logs, Stream};
use crate::template::QueueSource;

/// Gives a function the messages of a queue. Dropped, it takes no more of them; batches under way
/// are finished.
pub struct Mapping {
    stop: watch::Sender<()>,
    poller: JoinHandle<()>,
}

impl Mapping {
    /// Begins to take messages, also if the queue comes only later.
    pub fn start(queues: &Queues, source: QueueSource, function: Function, logs: Logs) -> Self {
        let (stop, stopped) = watch::channel(());
        let queue = Queue::new(queues, &source.queue);
        let work = Work { queue, source, function, logs };
        Self { stop, poller: tokio::spawn(poll(work, Stop(stopped))) }
    }

    /// Takes no more messages, and returns when the batches under way are finished.
    pub async fn stop(self) {
        drop(self.stop);
        let _ = self.poller.await;
    }
}

/// What is done with each batch.
struct Work {
    queue: Queue,
    source: QueueSource,
    function: Function,
    logs: Logs,
}

async fn poll(work: Work, mut stop: Stop) {
    let most = u32::try_from(work.source.concurrency.max(1)).unwrap_or(u32::MAX);
    let places = Arc::new(Semaphore::new(most as usize));
    let name = &work.function.settings().name;
    let mut intake =
        Intake::new(work.queue.clone(), &work.source, name, work.logs.clone(), stop.clone());
    let work = Arc::new(work);
    loop {
        // First the place, then the messages: the time in which they are ours should not pass
        // while they wait.
        let place = tokio::select! {
            place = Arc::clone(&places).acquire_owned() => place,
            () = stop.stopped() => break,
        };
        let Some(messages) = intake.batch().await else { break };
        let work = Arc::clone(&work);
        tokio::spawn(async move {
            work.handle(messages).await;
            drop(place);
        });
    }
    // All places are free when no batch is under way.
    let _ = places.acquire_many(most).await;
}

impl Work {
    async fn handle(&self, messages: Vec<Message>) {
        for batch in event::batches(messages, &self.source.queue) {
            let done = self.done(batch).await;
            if done.is_empty() {
                continue;
            }
            let receipts = done.into_iter().map(|message| message.receipt).collect();
            if let Err((count, why)) = self.queue.delete(receipts).await {
                self.line(&format!("{count} messages are done, but still in the queue ({why})"));
            }
        }
    }

    /// Has the function handle a batch. Returns the messages that are done; the others stay in the
    /// queue, and their visibility timeout brings them back.
    async fn done(&self, batch: Batch) -> Vec<Held> {
        let Batch { payload, messages } = batch;
        let stay = |why: &str| {
            let count = messages.len();
            self.line(&format!("{count} messages stay in the queue: {why}"));
            Vec::new()
        };
        let answer = match self.function.invoke(payload, &self.function.new_trace()).await {
            Ok(answer) => answer,
            Err(failure) => return stay(&failure.to_string()),
        };
        if !self.source.partial_failures {
            return messages;
        }
        let failed = match answer::failed(&answer, &messages) {
            Ok(failed) => failed,
            Err(why) => return stay(&format!("the answer cannot be used, {why}")),
        };
        if !failed.is_empty() {
            let (count, all) = (failed.len(), messages.len());
            self.line(&format!("{count} of {all} messages failed and stay in the queue"));
        }
        messages.into_iter().filter(|message| !failed.contains(&message.id)).collect()
    }

    fn line(&self, words: &str) {
        let words = format!("{}: {words}", self.queue.name);
        self.logs.line(&self.function.settings().name, Stream::Runner, &words);
    }
}
