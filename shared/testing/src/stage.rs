//! Everything behind the API as real processes on real queues: the relay, and a fleet for each worker.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_sqs::types::QueueAttributeName;
use clock::Clock;
use config::Env;
use local::lambda::{Function, Logs, Stream};
use local::queues::{Mapping, Queues};
use local::template::QueueSource;
use serde_json::{Value, json};

use crate::app::TestApp;
use crate::backstage::arn_of;
use crate::fleet;

/// The workers and the relay of one app, at work. They end when it is dropped.
pub struct Stage {
    queues: Queues,
    /// The names of the queues, with the app's prefix.
    names: Vec<String>,
    functions: BTreeMap<&'static str, Function>,
    sources: Vec<(&'static str, QueueSource)>,
    mappings: Mutex<Vec<Mapping>>,
    lines: Arc<Mutex<Vec<String>>>,
}

/// How a stage differs from the usual one.
pub struct Scene {
    /// For how long a received message is nobody else's: what a killed worker had comes back after it.
    pub visibility: Duration,
    /// Settings of a function that are added, or take the place of the usual ones.
    pub env: Vec<(&'static str, &'static str, String)>,
    /// At most so many processes of each.
    pub processes: usize,
    /// The LocalStack that has the queues, instead of the one that all tests share.
    pub localstack: Option<String>,
}

impl Default for Scene {
    fn default() -> Self {
        Self { visibility: Duration::from_secs(5), env: Vec::new(), processes: 2, localstack: None }
    }
}

/// Only what never happens takes so long.
const PATIENCE: Duration = Duration::from_mins(5);

impl Stage {
    /// Starts all of it; the functions as soon as they have something to do.
    pub async fn open(app: &TestApp, scene: Scene) -> Self {
        let queues = app.queues_at(scene.localstack.as_deref()).await;
        let lines = Arc::<Mutex<Vec<String>>>::default();
        let sink = Arc::clone(&lines);
        let logs = Logs::to(move |_, stream, words| {
            crate::log::keep(words);
            if stream == Stream::Function {
                sink.lock().unwrap().push(words.to_owned());
            }
        });
        let (mut functions, mut sources, mut names) = (BTreeMap::new(), Vec::new(), Vec::new());
        let mut add = |name: &'static str, timeout: u32, env: Env| {
            let own = scene.env.iter().filter(|(of, ..)| *of == name);
            let env = own.fold(env, |env, (_, setting, value)| env.with(setting, value));
            let mut settings = fleet::settings(name, &env, scene.processes);
            settings.timeout = Duration::from_secs(timeout.into());
            functions.insert(name, Function::new(settings, Clock::system(), logs.clone()));
        };
        let source = |name: &str, batch: u32, window: u32, at_once: u32| QueueSource {
            queue: arn_of(&app.queue_prefix(), name),
            batch_size: batch as usize,
            window: Duration::from_secs(window.into()),
            concurrency: at_once as usize,
            partial_failures: true,
        };
        let at = scene.localstack.as_deref();
        for entry in catalog::workers() {
            let spec = entry.spec;
            add(spec.name, spec.timeout, app.env_of_worker_at(spec.name, at));
            let mapping = source(spec.queue.name(), spec.batch, spec.window, spec.at_once);
            sources.push((spec.name, mapping));
        }
        for entry in catalog::jobs() {
            let spec = entry.spec;
            add(spec.name, spec.timeout, app.env_of_worker_at(spec.name, at));
            if let Some(queue) = spec.woken_by {
                sources.push((spec.name, source(queue.name(), 10, 0, 2)));
            }
        }
        for (_, source) in &sources {
            let name = source.queue.rsplit(':').next().unwrap().to_owned();
            let seconds = scene.visibility.as_secs().to_string();
            // Who is killed has received, too: on the stage that does not count.
            let policy = json!({
                "deadLetterTargetArn": format!("{}-dlq", source.queue), "maxReceiveCount": 1000,
            });
            let call = queues.client().set_queue_attributes().queue_url(queues.url(&name));
            let call = call.attributes(QueueAttributeName::VisibilityTimeout, seconds);
            let call = call.attributes(QueueAttributeName::RedrivePolicy, policy.to_string());
            call.send().await.expect("a queue");
            names.push(name);
        }
        let stage = Self { queues, names, functions, sources, mappings: Mutex::default(), lines };
        stage.go_on();
        stage
    }

    /// The relay or a worker.
    pub fn function(&self, name: &str) -> &Function {
        &self.functions[name]
    }

    /// Gives the functions messages.
    pub fn go_on(&self) {
        let logs = Logs::to(|_, _, _| {});
        let start = |(name, source): &(&'static str, QueueSource)| {
            Mapping::start(&self.queues, source.clone(), self.functions[name].clone(), logs.clone())
        };
        *self.mappings.lock().unwrap() = self.sources.iter().map(start).collect();
    }

    /// Gives the functions no more messages; returns when they are done with those that they have.
    pub async fn pause(&self) {
        let mappings = std::mem::take(&mut *self.mappings.lock().unwrap());
        for mapping in mappings {
            mapping.stop().await;
        }
    }

    /// Runs the relay as its schedule does, until it goes to sleep. An error if it failed, or was killed.
    pub async fn relay(&self) -> Result<(), String> {
        let answer = self.functions["outbox-relay"].invoke("{}".into(), "").await;
        answer.map(drop).map_err(|failure| failure.to_string())
    }

    /// How many messages are in a queue, taken or not.
    pub async fn depth(&self, name: &str) -> u64 {
        use QueueAttributeName::{
            ApproximateNumberOfMessages as Visible, ApproximateNumberOfMessagesDelayed as Delayed,
            ApproximateNumberOfMessagesNotVisible as Taken,
        };
        let call = self.queues.client().get_queue_attributes().queue_url(self.queues.url(name));
        let call = call.set_attribute_names(Some(vec![Visible, Delayed, Taken]));
        let answer = call.send().await.expect("the depth of a queue");
        let numbers = answer.attributes.unwrap_or_default().into_values();
        numbers.map(|number| number.parse::<u64>().expect("a number")).sum()
    }

    /// Returns when everything is carried and dealt with: nothing in the outbox, nothing in the queues.
    pub async fn settled(&self, app: &TestApp) {
        let quiet = async {
            // Twice in a row: what a worker does may leave events behind.
            let mut quiet = 0;
            while quiet < 2 {
                let mut left =
                    app.db.count("SELECT count(*) FROM app.outbox", &[]).await.unsigned_abs();
                if left > 0 {
                    // The minute's schedule.
                    let _ = self.relay().await;
                }
                for name in &self.names {
                    left += self.depth(name).await;
                }
                quiet = if left == 0 { quiet + 1 } else { 0 };
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, quiet).await.is_err() {
            let mut left = Vec::new();
            for name in &self.names {
                left.push(format!("{name}: {}", self.depth(name).await));
            }
            panic!("it does not come to rest: {left:?}");
        }
    }

    /// The lines that the functions have written, as far as they are JSON.
    pub fn lines(&self) -> Vec<Value> {
        let lines = self.lines.lock().unwrap();
        lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }
}
