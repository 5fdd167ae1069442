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
use worker::{Function, Spec};

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
    url_of("", Queue::Outbox.name())
}

fn url_of(prefix: &str, name: &str) -> String {
    let localstack = &rig().state.localstack;
    let (region, account) = (&localstack.region, template::ACCOUNT);
    format!("{}/queue/{region}/{account}/{prefix}{name}", localstack.url)
}

/// LocalStack, where the queues are.
pub(crate) fn connect() -> Queues {
    let localstack = &rig().state.localstack;
    Queues::connect(&localstack.url, &localstack.region)
}

/// The queues of the catalog, each with its dead letters.
fn wanted(prefix: &str) -> Vec<template::Queue> {
    let workers = catalog::workers();
    let of = |queue: Queue| workers.iter().map(|entry| entry.spec).find(|s| s.queue == queue);
    let both = |queue: Queue| {
        let arn = |name: &str| {
            let (region, account) = (&rig().state.localstack.region, template::ACCOUNT);
            format!("arn:aws:sqs:{region}:{account}:{prefix}{name}")
        };
        let (visibility, receives) = of(queue).map_or((360, 5), |s| (s.visibility, s.receives));
        let (name, dead) = (queue.name().to_owned(), format!("{}-dlq", queue.name()));
        let redrive = template::Redrive { target: arn(&dead), receives };
        [(name, visibility, Some(redrive)), (dead, 30, None)].map(|(name, visibility, redrive)| {
            template::Queue {
                arn: arn(&name),
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
        format!("{}-", self.db.name())
    }

    /// The app's own queues, made at the first call.
    pub async fn queues(&self) -> &Queues {
        let make = || async {
            let queues = connect();
            queues.create(&wanted(&self.queue_prefix())).await.expect("queues");
            queues
        };
        self.backstage.queues.get_or_init(make).await
    }

    /// Where one of the app's own queues is: by the name that the template gives it.
    pub fn queue_url(&self, name: &str) -> String {
        url_of(&self.queue_prefix(), name)
    }

    /// The settings of a worker or a job.
    pub fn env_of_worker(&self, name: &str) -> Env {
        let workers = catalog::workers();
        if let Some(entry) = workers.iter().find(|entry| entry.spec.name == name) {
            return self.with_letters(self.env_with(&entry.needs), &entry.spec);
        }
        let jobs = catalog::jobs();
        let entry = jobs.iter().find(|entry| entry.spec.name == name);
        self.env_with(&entry.expect("a worker or a job of the catalog").needs)
    }

    fn with_letters(&self, env: Env, spec: &Spec) -> Env {
        let queue = spec.queue.name();
        env.with("QUEUE_URL", self.queue_url(queue))
            .with("DEAD_LETTER_QUEUE_URL", self.queue_url(&format!("{queue}-dlq")))
    }

    /// The settings of whoever needs this, queues included.
    fn env_with(&self, needs: &[Need]) -> Env {
        let mut env = self.env_for(needs).with("OUTBOX_QUEUE_URL", self.queue_url("task-outbox"));
        for (setting, queue) in Need::Queues.required().iter().zip(Queue::ALL) {
            env = env.with(setting, self.queue_url(queue.name()));
        }
        env
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
