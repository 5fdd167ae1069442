//! A LocalStack, a queue and the probe.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use aws_sdk_sqs::types::{QueueAttributeName, SendMessageBatchRequestEntry};
use clock::Clock;
use local::lambda::{Function, Settings, Stream};
use local::queues::{Mapping, Queues};
use local::template::{Queue, QueueSource, Redrive};
use serde_json::{Value, json};
use services::{Folder, LocalStack, REGION, free_port};

use crate::support::{self, Lines};

/// A LocalStack in a folder of its own.
pub(super) struct Cloud {
    pub(super) localstack: LocalStack,
    folder: Folder,
}

impl Cloud {
    pub(super) fn start(name: &str) -> Self {
        let name = format!("{name}-{}", std::process::id());
        let folder = Folder::create(&Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)).unwrap();
        let mut localstack = LocalStack::create(&folder, free_port().unwrap()).unwrap();
        localstack.start().unwrap();
        Self { localstack, folder }
    }

    /// One for all tests of this file that run at the same time; it ends with the last of them.
    pub(super) fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Cloud>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let cloud = Arc::new(Self::start("queues"));
            *shared = Arc::downgrade(&cloud);
            cloud
        })
    }

    pub(super) fn queues(&self) -> Queues {
        Queues::connect(&self.localstack.address().url, REGION)
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        let _ = self.localstack.stop();
        let _ = self.folder.remove();
    }
}

/// Only what never happens takes so long.
pub(super) const PATIENCE: Duration = Duration::from_mins(1);

/// The batches that a function was given, as lists of records.
fn batches(lines: &Lines) -> Vec<Vec<Value>> {
    let lines = lines.of(Stream::Function);
    let events = lines.iter().filter_map(|line| line.strip_prefix("got "));
    let records = |event| {
        let mut event: Value = serde_json::from_str(event).unwrap();
        serde_json::from_value(event["Records"].take()).unwrap()
    };
    events.map(records).collect()
}

/// A queue with its dead letters, and the probe.
pub(super) struct Bench {
    pub(super) queues: Queues,
    pub(super) name: String,
    pub(super) function: Function,
    pub(super) lines: Lines,
    pub(super) source: QueueSource,
}

impl Bench {
    pub(super) async fn new(cloud: &Cloud, name: &str, change: impl FnOnce(&mut Queue)) -> Self {
        let bench = Self::without_queue(cloud, name);
        bench.create(change).await;
        bench
    }

    pub(super) fn without_queue(cloud: &Cloud, name: &str) -> Self {
        let lines = Lines::default();
        let settings = Settings { timeout: Duration::from_mins(1), cap: 10, ..support::probe() };
        let function = Function::new(settings, Clock::system(), lines.logs());
        let source = QueueSource {
            queue: arn(name),
            batch_size: 10,
            window: Duration::ZERO,
            concurrency: 5,
            partial_failures: true,
        };
        Self { queues: cloud.queues(), name: name.into(), function, lines, source }
    }

    pub(super) async fn create(&self, change: impl FnOnce(&mut Queue)) {
        let dead = queue(&format!("{}-dead", self.name));
        let mut live = queue(&self.name);
        live.redrive = Some(Redrive { target: dead.arn.clone(), receives: 5 });
        change(&mut live);
        self.queues.create(&[live, dead]).await.unwrap();
    }

    pub(super) fn map(&self) -> Mapping {
        let (source, function) = (self.source.clone(), self.function.clone());
        Mapping::start(&self.queues, source, function, self.lines.logs())
    }

    pub(super) async fn send(&self, bodies: &[String]) {
        for bodies in bodies.chunks(10) {
            let entry = |(n, body): (usize, &String)| {
                let entry = SendMessageBatchRequestEntry::builder().id(n.to_string());
                entry.message_body(body).build().unwrap()
            };
            let entries = bodies.iter().enumerate().map(entry).collect();
            let request = self.queues.client().send_message_batch();
            let request = request.queue_url(self.queues.url(&self.name));
            let answer = Box::pin(request.set_entries(Some(entries)).send()).await.unwrap();
            assert!(answer.failed().is_empty(), "{answer:?}");
        }
    }

    /// How many messages are in a queue, whether somebody has taken them or not.
    pub(super) async fn left(&self, name: &str) -> u32 {
        let attributes = attributes(&self.queues, name).await;
        let counts = attributes.iter().filter(|(name, _)| name.starts_with("ApproximateNumber"));
        counts.map(|(_, count)| count.parse::<u32>().unwrap()).sum()
    }

    /// The batches that the function was given.
    pub(super) fn batches(&self) -> Vec<Vec<Value>> {
        batches(&self.lines)
    }

    /// How often the function was given a message with this body.
    pub(super) fn count(&self, body: &str) -> usize {
        self.batches().iter().flatten().filter(|record| record["body"] == body).count()
    }

    pub(super) async fn until_empty(&self) {
        self.until("the queue is empty", async || self.left(&self.name).await == 0).await;
    }

    pub(super) async fn until_said(&self, words: &str) {
        let said = async || self.lines.of(Stream::Runner).iter().any(|line| line.contains(words));
        self.until(words, said).await;
    }

    pub(super) async fn until(&self, what: &str, mut happened: impl AsyncFnMut() -> bool) {
        let wait = async {
            while !happened().await {
                tokio::time::sleep(Duration::from_millis(25)).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, wait).await;
        assert!(waited.is_ok(), "never: {what}; {:?}", self.lines.all());
    }
}

pub(super) fn arn(name: &str) -> String {
    format!("arn:aws:sqs:{REGION}:000000000000:{name}")
}

/// Messages of it are nobody else's for longer than a test takes.
pub(super) fn queue(name: &str) -> Queue {
    Queue { name: name.into(), arn: arn(name), visibility: 600, retention: 3600, redrive: None }
}

pub(super) async fn attributes(queues: &Queues, name: &str) -> BTreeMap<String, String> {
    let request = queues.client().get_queue_attributes().queue_url(queues.url(name));
    let request = request.attribute_names(QueueAttributeName::All);
    let answer = Box::pin(request.send()).await.unwrap();
    let attributes = answer.attributes.unwrap_or_default();
    attributes.into_iter().map(|(name, value)| (name.as_str().to_owned(), value)).collect()
}

pub(super) fn numbered(count: usize) -> Vec<String> {
    (0..count).map(|n| json!({ "n": n }).to_string()).collect()
}
