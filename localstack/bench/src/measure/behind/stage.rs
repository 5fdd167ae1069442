//! A database of its own, its queues, and events for them.

use std::time::Duration;

use futures_util::future::join_all;
use local::lambda::Function;
use local::queues::Queues;
use serde_json::{Value, json};
use tokio_postgres::Client;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::Failed;
use crate::call::{Caller, ask, new_task};
use crate::rig::Rig;

/// Nobody else's events lie in the outbox of this one.
pub(super) const DATABASE: &str = "behind";

/// Whose tasks the events are about.
const OWNERS: u128 = 1000;

const INTO_OUTBOX: &str = "
    INSERT INTO app.outbox (aggregate_id, aggregate_version, id, type, payload)
    SELECT (e ->> 'taskId')::uuid, 1, (e ->> 'id')::uuid, e ->> 'event', e
    FROM unnest($1::text[]) AS text, LATERAL (SELECT text::jsonb AS e) AS read";

/// What the measurements behind the answers work on.
pub(super) struct Stage<'a> {
    pub(super) rig: &'a Rig,
    /// A connection to the database, as superuser.
    pub(super) admin: Client,
    pub(super) queues: Queues,
    /// Makes tasks.
    pub(super) create: Function,
    /// What lay in the outbox after a task was made.
    envelope: Value,
}

impl<'a> Stage<'a> {
    pub(super) async fn make(rig: &'a Rig) -> Result<Self, Failed> {
        rig.migrate(DATABASE).await?;
        let localstack = &rig.services.state().localstack;
        let queues = Queues::connect(&localstack.url, &localstack.region);
        queues.create(&rig.template.queues).await?;
        queues.create_buckets(&rig.template.buckets).await?;
        let admin = rig.admin(DATABASE).await?;
        let create = rig.run(rig.settings_in(DATABASE, "tasks-create")?);
        let caller = Caller::new(&rig.issuer, "user");
        ask(&create, caller.bearer().create(&new_task(0)), 201).await?;
        let envelope: String =
            admin.query_one("DELETE FROM app.outbox RETURNING payload::text", &[]).await?.get(0);
        let envelope = serde_json::from_str(&envelope)?;
        Ok(Self { rig, admin, queues, create, envelope })
    }

    /// A function, none of whose processes runs yet; at most so many of them.
    pub(super) fn function(&self, name: &str, processes: usize) -> Result<Function, Failed> {
        let mut settings = self.rig.settings_in(DATABASE, name)?;
        settings.cap = processes;
        Ok(self.rig.run(settings))
    }

    /// Events as that of a task that was made, each about a task of its own.
    pub(super) fn events(&self, count: usize) -> Vec<Value> {
        let event = |number: usize| {
            let owner = u128::try_from(number).unwrap_or_default() % OWNERS + 1;
            let owner = Uuid::from_u128(owner).to_string();
            let mut event = self.envelope.clone();
            event["id"] = self.rig.clock.new_id().to_string().into();
            event["taskId"] = self.rig.clock.new_id().to_string().into();
            event["userId"] = owner.clone().into();
            event["ownerId"] = owner.into();
            event
        };
        (0..count).map(event).collect()
    }

    /// Lays events into the outbox.
    pub(super) async fn lay(&self, events: &[Value]) -> Result<(), Failed> {
        let texts: Vec<String> = events.iter().map(ToString::to_string).collect();
        self.admin.execute_typed(INTO_OUTBOX, &[(&texts, Type::TEXT_ARRAY)]).await?;
        Ok(())
    }

    /// A number that the database says.
    pub(super) async fn count(&self, sql: &str) -> Result<i64, Failed> {
        Ok(self.admin.query_one(sql, &[]).await?.get(0))
    }

    /// Throws away what lies in the queues.
    pub(super) async fn purge(&self) -> Result<(), Failed> {
        for queue in &self.rig.template.queues {
            let url = self.queues.url(&queue.name);
            self.queues.client().purge_queue().queue_url(url).send().await?;
        }
        Ok(())
    }

    /// Waits until the database says yes.
    pub(super) async fn until(&self, sql: &str, look: Duration) -> Result<(), Failed> {
        let yes = async {
            loop {
                if self.admin.query_one(sql, &[]).await?.get(0) {
                    return Ok::<_, Failed>(());
                }
                tokio::time::sleep(look).await;
            }
        };
        let late = || format!("not even after {} s: {sql}", PATIENCE.as_secs());
        tokio::time::timeout(PATIENCE, yes).await.map_err(|_| late())?
    }
}

/// How long something is waited for that should come in seconds.
pub(super) const PATIENCE: Duration = Duration::from_mins(2);

/// Events as Lambda brings them from a queue.
pub(super) fn batch(events: &[Value]) -> String {
    let record = |event: &Value| {
        json!({
            "messageId": event["id"],
            "receiptHandle": "bench",
            "body": event.to_string(),
            "attributes": { "ApproximateReceiveCount": "1" },
            "messageAttributes": {},
            "eventSource": "aws:sqs",
        })
    };
    json!({ "Records": events.iter().map(record).collect::<Vec<_>>() }).to_string()
}

/// Has a worker deal with a batch, all of it.
pub(super) async fn deal(worker: &Function, batch: String) -> Result<(), Failed> {
    let name = &worker.settings().name;
    let answer = worker.invoke(batch.into(), "").await;
    let answer = answer.map_err(|failure| format!("{name}: {failure}"))?;
    let answer: Value = serde_json::from_slice(&answer)?;
    match answer["batchItemFailures"].as_array() {
        Some(failed) if failed.is_empty() => Ok(()),
        _ => Err(format!("{name} answered {answer}").into()),
    }
}

/// Has a worker deal with batches, so many at a time.
pub(super) async fn deal_with_all(
    worker: &Function,
    batches: &[String],
    at_once: usize,
) -> Result<(), Failed> {
    let callers = (0..at_once).map(async |caller| {
        for batch in batches.iter().skip(caller).step_by(at_once) {
            deal(worker, batch.clone()).await?;
        }
        Ok::<_, Failed>(())
    });
    join_all(callers).await.into_iter().collect()
}
