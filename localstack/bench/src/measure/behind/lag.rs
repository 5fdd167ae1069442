//! How long it takes from an answer to what follows from it.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use serde_json::json;
use time::OffsetDateTime;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::amount::Amount;
use super::live::Live;
use super::stage::{PATIENCE, Stage};
use crate::Failed;
use crate::call::{Caller, ask, new_task};
use crate::measure::Part;
use crate::stats::Samples;
use crate::table::{Row, Target, ms};

/// Between two tasks while the relay is awake, and longer than it takes to fall asleep.
const OFTEN: Duration = Duration::from_millis(200);
const RARELY: Duration = Duration::from_millis(3500);
/// How often it is looked what has come.
const LOOK: Duration = Duration::from_millis(10);
/// What the lag may be; the audit waits a second by design, for its batch to fill.
const BOUND_MS: f64 = 1000.0;
const WINDOW_MS: f64 = 1000.0;
/// The first tasks start processes.
const WARM_UP: usize = 5;

const COME: &str = "
    SELECT p.id,
        NOT EXISTS (SELECT FROM app.outbox AS o WHERE o.aggregate_id = p.id),
        (SELECT a.id FROM app.audit AS a WHERE a.task_id = p.id)
    FROM unnest($1::uuid[]) AS p (id)";

/// A task that was made, and when what followed.
struct Made {
    id: Uuid,
    /// Of the event, when the audit knows it: the name of its mail begins with it.
    event: Option<Uuid>,
    answered: Instant,
    answered_at: OffsetDateTime,
    carried: Option<Duration>,
    written: Option<Duration>,
}

/// What was measured of some tasks.
#[derive(Default)]
struct Lags {
    carried: Samples,
    written: Samples,
    mailed: Samples,
}

pub(super) async fn measure(stage: &Stage<'_>, amount: &Amount) -> Result<Part, Failed> {
    stage.purge().await?;
    stage.rig.mailbox.delete_all()?;
    let live = Live::start(stage)?;
    lags(stage, WARM_UP, OFTEN).await?;
    let awake = lags(stage, amount.awake, OFTEN).await?;
    let asleep = lags(stage, amount.asleep, RARELY).await?;
    live.stop().await;
    let raw = json!({ "awake": awake.raw(), "asleep": asleep.raw() });
    Ok((rows(amount, &awake, &asleep), raw))
}

/// Makes tasks and watches what comes of them.
async fn lags(stage: &Stage<'_>, count: usize, pause: Duration) -> Result<Lags, Failed> {
    let (all, made) = (Cell::new(false), RefCell::new(Vec::<Made>::new()));
    let caller = Caller::new(&stage.rig.issuer, "user");
    let create = async {
        for number in 0..count {
            tokio::time::sleep(pause).await;
            let event = caller.bearer().create(&new_task(number));
            let answer = ask(&stage.create, event, 201).await?;
            let (answered, answered_at) = (Instant::now(), OffsetDateTime::now_utc());
            let id = answer.text("id")?.parse()?;
            let (event, carried, written) = (None, None, None);
            let task = Made { id, event, answered, answered_at, carried, written };
            made.borrow_mut().push(task);
        }
        all.set(true);
        Ok::<_, Failed>(())
    };
    let time = PATIENCE + pause * u32::try_from(count)?;
    let watched = tokio::time::timeout(time, watch(stage, &made, &all));
    let (created, watched) = tokio::join!(create, watched);
    created?;
    watched.map_err(|_| "tasks were made that the audit does not know")??;
    let mut lags = Lags::default();
    for task in made.into_inner() {
        lags.carried.add(task.carried.unwrap_or_default());
        lags.written.add(task.written.unwrap_or_default());
        let lag = mail_about(stage, task.event.unwrap_or_default()).await? - task.answered_at;
        lags.mailed.add(lag.try_into().unwrap_or_default());
    }
    Ok(lags)
}

/// Looks what has come of the tasks until all of it has.
async fn watch(
    stage: &Stage<'_>,
    made: &RefCell<Vec<Made>>,
    all: &Cell<bool>,
) -> Result<(), Failed> {
    loop {
        let waiting = waiting(&made.borrow());
        if waiting.is_empty() && all.get() {
            return Ok(());
        }
        if !waiting.is_empty() {
            let rows = stage.admin.query_typed(COME, &[(&waiting, Type::UUID_ARRAY)]).await?;
            for row in rows {
                let (id, carried): (Uuid, bool) = (row.get(0), row.get(1));
                if let Some(task) = made.borrow_mut().iter_mut().find(|task| task.id == id) {
                    let lag = task.answered.elapsed();
                    task.carried = task.carried.or(carried.then_some(lag));
                    task.event = row.get(2);
                    task.written = task.written.or(task.event.map(|_| lag));
                }
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// The tasks of which something has yet to come.
fn waiting(made: &[Made]) -> Vec<Uuid> {
    let waiting = made.iter().filter(|task| task.carried.is_none() || task.written.is_none());
    waiting.map(|task| task.id).collect()
}

/// When the mail about an event came.
async fn mail_about(stage: &Stage<'_>, event: Uuid) -> Result<OffsetDateTime, Failed> {
    let (begin, event) = (Instant::now(), event.to_string());
    while begin.elapsed() < PATIENCE {
        let mails = stage.rig.mailbox.mails();
        let names = mails.iter().filter_map(|mail| Some((mail.message_id.as_deref()?, mail)));
        if let Some((_, mail)) = names.into_iter().find(|(name, _)| name.starts_with(&event)) {
            return Ok(mail.received_at);
        }
        tokio::time::sleep(LOOK).await;
    }
    Err(format!("no mail came about event {event}").into())
}

fn rows(amount: &Amount, awake: &Lags, asleep: &Lags) -> Vec<Row> {
    let about = format!(
        "Functions and mappings as template.yaml has them, with LocalStack's queues. {} tasks are made every {} ms, \
         while the relay is awake, and {} more after pauses of {} s, in which it falls asleep and is woken by the \
         write. From the answer until the event has left the outbox, which it does when all its queues have \
         accepted it; until its row is in the audit, whose batch waits a second to fill; and until the mail catcher has \
         the mail. Looked every {} ms. The bound is for both, awake and asleep.",
        amount.awake,
        OFTEN.as_millis(),
        amount.asleep,
        RARELY.as_secs_f64(),
        LOOK.as_millis()
    );
    let row =
        |what: &str, own: &Samples, resting: &Samples, bound: Option<f64>, target: &str| Row {
            what: format!("from answer to {what}, p99"),
            measured: format!("{} (p50 {})", ms(own.p99()), ms(own.p50())),
            other: format!("relay asleep: p50 {}, most {}", ms(resting.p50()), ms(resting.most())),
            ratio: ms(own.p99()),
            target: target.to_owned(),
            met: bound.map(|bound| Target::AtMost(bound).is_met_by(own.p99().max(resting.most()))),
            about: about.clone(),
            shortfall: String::new(),
        };
    let with_window = "≤ 1 s, and its window of 1 s";
    vec![
        row("queues", &awake.carried, &asleep.carried, Some(BOUND_MS), "≤ 1 s"),
        row("audit", &awake.written, &asleep.written, Some(BOUND_MS + WINDOW_MS), with_window),
        row("mail", &awake.mailed, &asleep.mailed, None, "-"),
    ]
}

impl Lags {
    fn raw(&self) -> serde_json::Value {
        json!({
            "outbox": self.carried.summary(), "audit": self.written.summary(),
            "mail": self.mailed.summary(),
        })
    }
}
