//! What goes on behind the API: workers and jobs, in this process, on the app's database.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_sqs::types::Message;
use config::{Env, Need};
use domain::event::{Envelope, Queue};
use local::queues::Queues;
use local::template;
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use uuid::Uuid;
use worker::Function;

use crate::app::TestApp;
use crate::rig::rig;

/// What the app keeps of it.
#[derive(Default)]
pub(crate) struct Backstage {
    queues: OnceCell<Queues>,
    functions: Mutex<HashMap<&'static str, Arc<dyn Function>>>,
    delivered: Mutex<HashSet<Uuid>>,
}

/// The queue that wakes the relay, for those tests that have none of their own.
pub(crate) fn shared_outbox_url() -> String {
    url_of(None, "", Queue::Outbox.name())
}

/// The same of an app's own.
pub(crate) fn outbox_url_of(database: &str) -> String {
    url_of(None, &prefix_of(database), Queue::Outbox.name())
}

/// What the names of an app's own queues begin with.
fn prefix_of(database: &str) -> String {
    format!("{database}-")
}

fn url_of(at: Option<&str>, prefix: &str, name: &str) -> String {
    let localstack = &rig().state.localstack;
    let (region, account) = (&localstack.region, template::ACCOUNT);
    format!("{}/queue/{region}/{account}/{prefix}{name}", at.unwrap_or(&localstack.url))
}

/// The ARN of a queue.
pub(crate) fn arn_of(prefix: &str, name: &str) -> String {
    format!("arn:aws:sqs:{}:{}:{prefix}{name}", rig().state.localstack.region, template::ACCOUNT)
}

/// A LocalStack, where the queues are; the shared one, if nothing else is said.
async fn made(at: Option<&str>, prefix: &str) -> Queues {
    let localstack = &rig().state.localstack;
    let queues = Queues::connect(at.unwrap_or(&localstack.url), &localstack.region);
    queues.create(&wanted(prefix)).await.expect("queues");
    queues
}

/// The queues of the catalog, each with its dead letters.
fn wanted(prefix: &str) -> Vec<template::Queue> {
    let workers = catalog::workers();
    let of = |queue: Queue| workers.iter().map(|entry| entry.spec).find(|s| s.queue == queue);
    let both = |queue: Queue| {
        let (visibility, receives) = of(queue).map_or((360, 5), |s| (s.visibility, s.receives));
        let (name, dead) = (queue.name().to_owned(), format!("{}-dlq", queue.name()));
        let redrive = template::Redrive { target: arn_of(prefix, &dead), receives };
        [(name, visibility, Some(redrive)), (dead, 30, None)].map(|(name, visibility, redrive)| {
            template::Queue {
                arn: arn_of(prefix, &name),
                name: format!("{prefix}{name}"),
                visibility,
                retention: 4 * 24 * 60 * 60,
                redrive,
            }
        })
    };
    Queue::ALL.into_iter().flat_map(both).collect()
}

impl TestApp {
    /// What the names of this app's own queues begin with.
    pub(crate) fn queue_prefix(&self) -> String {
        prefix_of(self.db.name())
    }

    /// The app's own queues, made at the first call.
    pub async fn queues(&self) -> &Queues {
        let prefix = self.queue_prefix();
        self.backstage.queues.get_or_init(|| made(None, &prefix)).await
    }

    /// The same in this LocalStack, if one is named.
    pub(crate) async fn queues_at(&self, localstack: Option<&str>) -> Queues {
        match localstack {
            None => self.queues().await.clone(),
            Some(_) => made(localstack, &self.queue_prefix()).await,
        }
    }

    /// Where one of the app's own queues is: by the name that the template gives it.
    pub fn queue_url(&self, name: &str) -> String {
        url_of(None, &self.queue_prefix(), name)
    }

    /// The settings of a worker or a job.
    pub fn env_of_worker(&self, name: &str) -> Env {
        self.env_of_worker_at(name, None)
    }

    /// The same, with the queues in this LocalStack, if one is named.
    pub(crate) fn env_of_worker_at(&self, name: &str, localstack: Option<&str>) -> Env {
        let prefix = self.queue_prefix();
        let url = |name: &str| url_of(localstack, &prefix, name);
        let with_queues = |needs: &[Need]| {
            let queues = Need::Queues.required().iter().zip(Queue::ALL);
            let env = self.env_for(needs).with("OUTBOX_QUEUE_URL", url(Queue::Outbox.name()));
            queues.fold(env, |env, (setting, queue)| env.with(setting, url(queue.name())))
        };
        let workers = catalog::workers();
        let env = if let Some(entry) = workers.iter().find(|entry| entry.spec.name == name) {
            let queue = entry.spec.queue.name();
            with_queues(&entry.needs)
                .with("QUEUE_URL", url(queue))
                .with("DEAD_LETTER_QUEUE_URL", url(&format!("{queue}-dlq")))
        } else {
            let jobs = catalog::jobs();
            let entry = jobs.iter().find(|entry| entry.spec.name == name);
            with_queues(&entry.expect("a worker or a job of the catalog").needs)
        };
        match localstack {
            Some(url) => env.with("AWS_ENDPOINT_URL_SQS", url),
            None => env,
        }
    }

    /// A worker or a job, prepared at the first call.
    async fn function(&self, name: &str) -> Arc<dyn Function> {
        self.queues().await;
        let workers = catalog::workers().into_iter().map(|entry| (entry.spec.name, entry.prepare));
        let jobs = catalog::jobs().into_iter().map(|entry| (entry.spec.name, entry.prepare));
        let (name, prepare) =
            workers.chain(jobs).find(|(of, _)| *of == name).expect("it is in the catalog");
        let mut functions = self.backstage.functions.lock().unwrap();
        let made = functions.entry(name).or_insert_with(|| {
            let env = self.env_of_worker(name);
            prepare(&env, self.clock.clone()).unwrap_or_else(|error| panic!("{name}: {error}"))
        });
        Arc::clone(made)
    }

    /// Prepares workers and jobs anew, as cold environments are.
    pub fn restart_workers(&self) {
        self.backstage.functions.lock().unwrap().clear();
    }

    /// Has a worker deal with a batch of bodies, each received so many times. Answers the places of those
    /// that are to come again.
    pub async fn work_raw(&self, worker: &str, messages: &[(String, u32)]) -> Vec<usize> {
        let record = |(place, (body, receives)): (usize, &(String, u32))| {
            json!({
                "messageId": place.to_string(), "receiptHandle": "of a test", "body": body,
                "attributes": {"ApproximateReceiveCount": receives.to_string()},
            })
        };
        let records: Vec<Value> = messages.iter().enumerate().map(record).collect();
        let function = self.function(worker).await;
        let answer = function.call(json!({"Records": records}), Duration::from_secs(30)).await;
        let answer = answer.unwrap_or_else(|error| panic!("{worker}: {error}"));
        let failures = answer["batchItemFailures"].as_array().expect("a list").iter();
        failures
            .map(|item| item["itemIdentifier"].as_str().unwrap().parse().expect("a place"))
            .collect()
    }

    /// Has a worker deal with a batch of events. Answers those that are to come again.
    pub async fn work(&self, worker: &str, events: &[Envelope]) -> Vec<Uuid> {
        let messages: Vec<_> =
            events.iter().map(|event| (serde_json::to_string(event).unwrap(), 1)).collect();
        let again = self.work_raw(worker, &messages).await;
        again.into_iter().map(|place| events[place].id).collect()
    }

    /// Runs a job.
    pub async fn run_job(&self, job: &str, input: Value) -> Result<Value, String> {
        self.function(job).await.call(input, Duration::from_mins(1)).await
    }

    /// Gives all events that the app has written, and has not given before, to the workers of their queues,
    /// in the order of their versions. (They stay in the outbox: the laws of the database count them there.)
    pub async fn deliver(&self) {
        let sql = "SELECT payload FROM app.outbox ORDER BY created_at, aggregate_version";
        let rows = self.db.rows(sql, &[]).await;
        let mut events: Vec<Envelope> =
            rows.iter().map(|row| serde_json::from_value(row.get(0)).expect("an event")).collect();
        let known = |event: &Envelope| !self.backstage.delivered.lock().unwrap().insert(event.id);
        events.retain(|event| !known(event));
        for entry in catalog::workers() {
            let ours: Vec<Envelope> = events
                .iter()
                .filter(|event| event.event.queues().contains(&entry.spec.queue))
                .cloned()
                .collect();
            for batch in ours.chunks(entry.spec.batch as usize) {
                let again = self.work(entry.spec.name, batch).await;
                assert!(again.is_empty(), "{}: {again:?} did not succeed", entry.spec.name);
            }
        }
    }

    /// Takes what is in one of the app's own queues, at most ten messages; with a reason, if it is of dead
    /// letters.
    pub async fn take(&self, queue: &str) -> Vec<(String, Option<String>)> {
        let call = self.queues().await.client().receive_message();
        let call = call.queue_url(self.queue_url(queue)).max_number_of_messages(10);
        let answer = call.message_attribute_names("All").send().await.expect("messages");
        let reason = |message: &Message| {
            let attribute = message.message_attributes.as_ref()?.get("reason")?;
            attribute.string_value.clone()
        };
        let messages = answer.messages.unwrap_or_default();
        messages
            .iter()
            .map(|message| (message.body.clone().unwrap_or_default(), reason(message)))
            .collect()
    }
}
