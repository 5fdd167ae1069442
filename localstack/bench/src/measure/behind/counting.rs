//! How many events the workers write into Postgres in a second.

use std::time::Instant;

use serde_json::{Map, Value, json};

use super::amount::Amount;
use super::stage::{Stage, batch, deal_with_all};
use crate::Failed;
use crate::measure::Part;
use crate::processors::Spent;
use crate::stats::{median, real};
use crate::table::{Row, Target};

/// A worker, and how it is called in life.
struct Kind {
    name: &'static str,
    /// Messages of a batch.
    batch: usize,
    /// Events per second.
    target: Option<f64>,
    /// How many events had their effect.
    effects: &'static str,
}

/// Batches at a time, as template.yaml has it for both.
const AT_ONCE: usize = 2;

const KINDS: [Kind; 2] = [
    Kind {
        name: "analytics-worker",
        batch: 100,
        target: Some(5000.0),
        effects: "SELECT count(*) FROM app.inbox WHERE consumer = 'analytics'",
    },
    Kind {
        name: "audit-worker",
        batch: 50,
        target: None,
        effects: "SELECT count(*) FROM app.audit",
    },
];

pub(super) async fn measure(stage: &Stage<'_>, amount: &Amount) -> Result<Part, Failed> {
    let (mut rows, mut raw) = (Vec::new(), Map::new());
    for kind in &KINDS {
        let (row, numbers) = one(stage, amount, kind).await?;
        rows.push(row);
        raw.insert(kind.name.to_owned(), numbers);
    }
    Ok((rows, Value::Object(raw)))
}

async fn one(stage: &Stage<'_>, amount: &Amount, kind: &Kind) -> Result<(Row, Value), Failed> {
    let worker = stage.function(kind.name, AT_ONCE)?;
    let effects = stage.count(kind.effects).await?;
    let (mut rates, mut spent, mut dealt_with) = (Vec::new(), Spent::default(), 0);
    for round in 0..=amount.rounds {
        // The first round is short, and warms up.
        let count = if round == 0 { kind.batch * 2 * AT_ONCE } else { amount.counted };
        let events = stage.events(count);
        let batches: Vec<String> = events.chunks(kind.batch).map(batch).collect();
        drop(events);
        stage.admin.batch_execute("CHECKPOINT").await?;
        let (begin, before) = (Instant::now(), Spent::until_now());
        deal_with_all(&worker, &batches, AT_ONCE).await?;
        dealt_with += count;
        if round > 0 {
            rates.push(real(count) / begin.elapsed().as_secs_f64());
            spent.add(&Spent::until_now().since(&before));
        }
    }
    let had_effect = stage.count(kind.effects).await? - effects;
    if had_effect != i64::try_from(dealt_with)? {
        return Err(format!("{}: {dealt_with} events had {had_effect} effects", kind.name).into());
    }
    let raw = json!({ "events_per_second": rates, "processor_seconds": spent.by_program() });
    Ok((row(kind, amount, &rates, &spent), raw))
}

fn row(kind: &Kind, amount: &Amount, rates: &[f64], spent: &Spent) -> Row {
    let rate = median(rates);
    let each = |seconds: f64| seconds * 1_000_000.0 / real(amount.counted * amount.rounds);
    let costs: Vec<(String, f64)> =
        spent.by_program().into_iter().map(|(name, seconds)| (name, each(seconds))).collect();
    let cost: f64 = costs.iter().map(|(_, each)| each).sum();
    let parts = costs.iter().filter(|(_, each)| *each >= 1.0);
    let parts = parts.map(|(name, each)| format!("{name} {each:.0}")).collect::<Vec<_>>();
    let at_least = kind.target.unwrap_or_default();
    let shortfall = format!(
        "One event takes {cost:.0} µs of processor time ({}). Counts of one day are one row for everybody, so \
         that batches of the same day wait for each other's commit.",
        parts.join(", ")
    );
    Row {
        what: format!("{}, into Postgres", kind.name),
        measured: format!("{rate:.0} events/s"),
        other: format!("{cost:.0} µs of processor time each"),
        ratio: format!("{rate:.0} events/s"),
        target: if kind.target.is_some() {
            format!("≥ {at_least:.0} events/s")
        } else {
            "-".into()
        },
        met: kind.target.map(|bound| Target::AtLeast(bound).is_met_by(rate)),
        about: format!(
            "{AT_ONCE} processes, as many as template.yaml allows, get batches of {} messages one after the other, \
             {} events in each of {} rounds (median); afterwards each event has had its effect once. The batches come \
             from the benchmark and not from LocalStack, which does not even take as many messages (see the relay). \
             Postgres syncs each commit to the disk.",
            kind.batch, amount.counted, amount.rounds
        ),
        shortfall: if kind.target.is_some() { shortfall } else { String::new() },
    }
}
