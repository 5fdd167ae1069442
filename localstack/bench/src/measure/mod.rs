//! The measurements, one after the other.

mod behind;
mod cold_start;
mod create;
mod first_request;
mod gateway;
mod memory;
mod package;
mod round_trips;
mod size;
mod warm_get;

use std::sync::LazyLock;
use std::time::Instant;

use serde_json::{Map, Value};

use crate::Failed;
use crate::plan::Plan;
use crate::rig::{DATABASE, Rig};
use crate::table::Row;

/// What was found out.
#[derive(Default)]
pub(crate) struct Found {
    /// The rows of the table.
    pub(crate) rows: Vec<Row>,
    /// All numbers.
    pub(crate) raw: Map<String, Value>,
}

/// What one measurement found out.
type Part = (Vec<Row>, Value);

impl Found {
    fn add(&mut self, rig: &Rig, name: &str, (rows, raw): Part) {
        self.rows.extend(rows);
        let (troubles, first) = rig.journal.troubles();
        if let Some(first) = first {
            step(format_args!("  {troubles} lines of functions told of trouble, first: {first}"));
        }
        self.raw.insert(name.to_owned(), raw);
        self.raw.insert(format!("{name} troubles"), troubles.into());
    }
}

/// Measures everything that is asked for.
pub(crate) async fn everything(rig: &Rig, plan: &Plan) -> Result<Found, Failed> {
    let mut found = Found::default();
    if !plan.only_behind {
        in_front(rig, plan, &mut found).await?;
    }
    behind::measure(rig, plan, &mut found).await?;
    Ok(found)
}

/// What somebody waits for.
async fn in_front(rig: &Rig, plan: &Plan, found: &mut Found) -> Result<(), Failed> {
    step("migrating");
    rig.migrate(DATABASE).await?;
    rig.pretend_awake(true).await?;
    step("round trips, counted");
    found.add(rig, "round trips", round_trips::measure(rig).await?);
    step(format_args!("warm cached GET, {} rounds", plan.rounds));
    found.add(rig, "warm get", warm_get::measure(rig, plan).await?);
    step(format_args!("the gateway's part, {} rounds", plan.rounds));
    let gateway = gateway::measure(rig, plan).await?;
    step(format_args!("cold starts, {} of each", plan.starts));
    found.add(rig, "cold start", cold_start::measure(rig, plan)?);
    step(format_args!("first requests after a cold start, {} of each", plan.starts));
    found.add(rig, "first request", first_request::measure(rig, plan).await?);
    step(format_args!("memory after {} requests", plan.memory_calls));
    found.add(rig, "memory", memory::measure(rig, plan).await?);
    step("packages");
    found.add(rig, "package", package::measure(rig, plan)?);
    step(format_args!("create, {} rounds", plan.write_rounds));
    found.add(rig, "create", create::measure(rig, plan).await?);
    found.add(rig, "size", size::measure(rig, plan).await?);
    found.add(rig, "gateway", gateway);
    rig.pretend_awake(false).await
}

/// Tells whoever waits, and how long they have.
pub(crate) fn step(words: impl std::fmt::Display) {
    static BEGIN: LazyLock<Instant> = LazyLock::new(Instant::now);
    let seconds = BEGIN.elapsed().as_secs();
    services::say(format_args!("bench: {:2}:{:02} {words}", seconds / 60, seconds % 60));
}
