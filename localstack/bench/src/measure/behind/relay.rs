//! How many events the relay carries in a second, against what the queues take.

use std::time::{Duration, Instant};

use aws_sdk_sqs::types::{MessageAttributeValue, SendMessageBatchRequestEntry};
use futures_util::future::join_all;
use local::lambda::Function;
use serde_json::{Value, json};
use tokio_postgres::types::Type;

use super::amount::Amount;
use super::stage::Stage;
use crate::Failed;
use crate::measure::Part;
use crate::processors::Spent;
use crate::stats::{median, real};
use crate::table::{Row, Target, times};

const EVENTS_PER_SECOND: f64 = 1000.0;
const SHARE: f64 = 0.8;
/// Where an event of a new task goes.
const QUEUES: [&str; 3] = ["task-notifications", "task-analytics", "task-audit"];
/// Messages of one call.
const CALL: usize = 10;
/// So many calls of the relay are under way at a time: its hundred events to each of their queues.
const CALLS: usize = 30;
/// How often it is looked whether the outbox is empty.
const LOOK: Duration = Duration::from_millis(20);

/// Events that were put off for a day, as when a queue refuses them: they are older than all others.
const STUCK: &str = "
    INSERT INTO app.outbox (aggregate_id, aggregate_version, id, type, payload, created_at, attempts, next_attempt_at)
    SELECT gen_random_uuid(), 1, gen_random_uuid(), $2::text::jsonb ->> 'event', $2::text::jsonb,
        now() - interval '1 day' + n * interval '1 millisecond', 9, now() + interval '1 day'
    FROM generate_series(1, $1::int) AS n";
const CARRIED: &str =
    "SELECT NOT EXISTS (SELECT FROM app.outbox WHERE created_at > now() - interval '12 hours')";

pub(super) async fn measure(stage: &Stage<'_>, amount: &Amount) -> Result<Part, Failed> {
    let relay = stage.function("outbox-relay", 1)?;
    // Warms up: it finds nothing, and connects.
    invoke(&relay).await?;
    let (mut limits, mut clear, mut stuck) = (Vec::new(), Vec::new(), Vec::new());
    let mut spent = Spent::default();
    for _ in 0..amount.rounds {
        limits.push(limit(stage, amount.relayed).await?);
        let before = Spent::until_now();
        clear.push(carried(stage, &relay, amount.relayed).await?);
        spent.add(&Spent::until_now().since(&before));
        let some = stage.events(1).swap_remove(0).to_string();
        stage
            .admin
            .execute_typed(STUCK, &[(&amount.stuck, Type::INT4), (&some, Type::TEXT)])
            .await?;
        // As autovacuum does after so many rows.
        stage.admin.batch_execute("VACUUM (ANALYZE) app.outbox").await?;
        stuck.push(carried(stage, &relay, amount.relayed).await?);
        stage.admin.batch_execute("TRUNCATE app.outbox").await?;
        stage.purge().await?;
    }
    let raw = json!({
        "events_per_second": clear, "with_a_backlog": stuck, "queue_messages_per_second": limits,
        "processor_seconds": spent.by_program(),
    });
    Ok((rows(amount, &limits, &clear, &stuck, &spent), raw))
}

fn rows(amount: &Amount, limits: &[f64], clear: &[f64], stuck: &[f64], spent: &Spent) -> Vec<Row> {
    let to = real(QUEUES.len());
    let shares: Vec<f64> = clear.iter().zip(limits).map(|(own, most)| own * to / most).collect();
    let (rate, share) = (median(clear), median(&shares));
    let met = Target::AtLeast(EVENTS_PER_SECOND).is_met_by(rate)
        || Target::AtLeast(SHARE).is_met_by(share);
    let costs = spent.by_program().into_iter().filter(|(_, seconds)| *seconds > 0.0);
    let costs = costs.map(|(program, seconds)| {
        format!("{program} {:.2}", seconds * 1000.0 / real(amount.relayed * amount.rounds))
    });
    let slowed: Vec<f64> = stuck.iter().zip(clear).map(|(with, without)| with / without).collect();
    let slowed = median(&slowed);
    let carried = Row {
        what: "relay, into the queues".to_owned(),
        measured: format!("{rate:.0} events/s"),
        other: format!("the queues take {:.0} messages/s", median(limits)),
        ratio: format!("{:.0} % of what they take", share * 100.0),
        target: "≥ 1,000 events/s or ≥ 80 %".to_owned(),
        met: Some(met),
        about: format!(
            "{} events of new tasks lie in the outbox, and one process of `outbox-relay` is started; until the \
             outbox is empty. Each event goes to three queues of LocalStack, so a message a second is a third of \
             an event. Before it the benchmark sends as many messages with as many calls at a time as the relay \
             ({CALLS}, of {CALL} messages). Medians of {} rounds.",
            amount.relayed, amount.rounds
        ),
        shortfall: format!(
            "One event takes, in ms of processor time: {}. LocalStack is a Python program, and shares the processors \
             with the relay and Postgres; while the benchmark sends, it has them nearly to itself.",
            costs.collect::<Vec<_>>().join(", ")
        ),
    };
    let with_backlog = Row {
        what: format!("relay, past {} stuck events", amount.stuck),
        measured: format!("{:.0} events/s", median(stuck)),
        other: format!("without them {rate:.0} events/s"),
        ratio: times(slowed),
        target: "≥ 0.8 ×".to_owned(),
        met: Some(Target::AtLeast(SHARE).is_met_by(slowed)),
        about: "The same while the outbox also holds older events that were put off until the next day.".to_owned(),
        shortfall: "Each step looks past the events that are not due, in the order of their age.".to_owned(),
    };
    vec![carried, with_backlog]
}

/// Events that the relay carries in a second.
async fn carried(stage: &Stage<'_>, relay: &Function, count: usize) -> Result<f64, Failed> {
    stage.lay(&stage.events(count)).await?;
    let begin = Instant::now();
    let timed = async {
        stage.until(CARRIED, LOOK).await?;
        Ok::<_, Failed>(begin.elapsed())
    };
    // It stays for a while after the last event.
    let (report, time) = tokio::join!(invoke(relay), timed);
    let (report, time) = (report?, time?);
    if report["sent"] != count || report["refused"] != 0 {
        return Err(format!("of {count} events the relay carried {report}").into());
    }
    Ok(real(count) / time.as_secs_f64())
}

async fn invoke(relay: &Function) -> Result<Value, Failed> {
    let answer = relay.invoke("{}".into(), "").await;
    Ok(serde_json::from_slice(&answer.map_err(|failure| format!("outbox-relay: {failure}"))?)?)
}

/// Messages that the queues take in a second.
async fn limit(stage: &Stage<'_>, count: usize) -> Result<f64, Failed> {
    let events = stage.events(count);
    let calls: Vec<(&str, &[Value])> =
        events.chunks(CALL).flat_map(|some| QUEUES.map(|queue| (queue, some))).collect();
    let begin = Instant::now();
    let senders = (0..CALLS).map(async |sender| {
        for (queue, events) in calls.iter().skip(sender).step_by(CALLS) {
            send(stage, queue, events).await?;
        }
        Ok::<_, Failed>(())
    });
    join_all(senders).await.into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok(real(count * QUEUES.len()) / begin.elapsed().as_secs_f64())
}

/// One call, with the attributes that the relay's messages have.
async fn send(stage: &Stage<'_>, queue: &str, events: &[Value]) -> Result<(), Failed> {
    let mut entries = Vec::new();
    for (number, event) in events.iter().enumerate() {
        let mut entry = SendMessageBatchRequestEntry::builder()
            .id(number.to_string())
            .message_body(event.to_string());
        for name in ["event", "schema", "requestId"] {
            let value = MessageAttributeValue::builder().data_type("String");
            let text = event[name].as_str().unwrap_or("1");
            entry = entry.message_attributes(name, value.string_value(text).build()?);
        }
        entries.push(entry.build()?);
    }
    let call = stage.queues.client().send_message_batch().queue_url(stage.queues.url(queue));
    let answer = Box::pin(call.set_entries(Some(entries)).send()).await?;
    match answer.failed().first() {
        Some(refused) => Err(format!("{queue} refused a message: {}", refused.code()).into()),
        None => Ok(()),
    }
}
