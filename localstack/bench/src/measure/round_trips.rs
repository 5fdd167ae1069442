//! What requests ask of Redis and of Postgres, by what they log.

use std::collections::BTreeMap;

use local::lambda::Function;
use serde_json::json;

use super::Part;
use crate::Failed;
use crate::call::{Caller, Event, ask, new_task};
use crate::rig::Rig;
use crate::stats::{median, real};
use crate::table::{Row, Target};

/// How many calls of one kind are made.
const CALLS: usize = 30;
/// What a call costs is what nearly all of its kind cost: a connection that rested is tested first.
const NEARLY_ALL: f64 = 0.9;

/// Calls to Redis, and to Postgres.
type Cost = (u64, u64);

pub(super) async fn measure(rig: &Rig) -> Result<Part, Failed> {
    let (get, create) = (rig.function("tasks-get")?, rig.function("tasks-create")?);
    let bearer = Caller::new(&rig.issuer, "user").bearer();
    // Makes the caller known, and Redis learn the scripts.
    let mut tasks = Vec::new();
    for number in 0..=CALLS {
        let created = ask(&create, bearer.create(&new_task(number)), 201).await?;
        tasks.push(created.text("id")?);
    }
    let (task, tasks) = tasks.split_first().ok_or("no task was created")?;
    ask(&get, bearer.get(task), 200).await?;
    let etag = ask(&get, bearer.get(task), 200).await?.header("etag")?.to_owned();

    rig.journal.keep(true);
    let misses = tasks.iter().map(|task| bearer.get(task)).collect();
    let hits = vec![bearer.get(task); CALLS];
    let known = vec![bearer.get_if_none_match(task, Some(&etag)); CALLS];
    let writes = (0..CALLS).map(|number| bearer.create(&new_task(number))).collect();
    let mut rows = Vec::new();
    let mut raw = json!({});
    for (what, function, events, status, cost) in [
        ("GET, hit", &get, hits, 200, (1, 0)),
        ("GET, miss", &get, misses, 200, (2, 1)),
        ("GET, 304", &get, known, 304, (1, 0)),
        ("write (create)", &create, writes, 201, (2, 1)),
    ] {
        let (costs, durations) = costs(rig, function, events, status).await?;
        let usual = costs.iter().max_by_key(|(_, calls)| **calls).map_or((0, 0), |(cost, _)| *cost);
        let share = real(costs.get(&cost).copied().unwrap_or_default()) / real(CALLS);
        rows.push(Row {
            what: format!("round trips: {what}"),
            measured: words(usual),
            other: "-".to_owned(),
            ratio: format!("{:.0} % of {CALLS} calls", share * 100.0),
            target: words(cost),
            met: Some(Target::AtLeast(NEARLY_ALL).is_met_by(share)),
            about: "Counted by the function, in the line that each request logs, while Redis knows that \
                    the caller was not logged out."
                .to_owned(),
            shortfall: String::new(),
        });
        let costs: Vec<_> = costs
            .into_iter()
            .map(|((redis, database), calls)| json!({ "redis": redis, "database": database, "calls": calls }))
            .collect();
        raw[what] = json!({ "costs": costs, "in_the_function_ms_p50": median(&durations) });
    }
    rig.journal.keep(false);
    Ok((rows, raw))
}

/// What calls of one kind cost, and how many each; and how long the function says that each took.
async fn costs(
    rig: &Rig,
    function: &Function,
    events: Vec<Event>,
    status: u16,
) -> Result<(BTreeMap<Cost, usize>, Vec<f64>), Failed> {
    let (mut costs, mut durations) = (BTreeMap::new(), Vec::new());
    for event in events {
        let answer = ask(function, event, status).await?;
        let line = rig.journal.line_of(answer.header("x-request-id")?).await?;
        let number =
            |name: &str| line[name].as_u64().ok_or_else(|| format!("no {name} in the line {line}"));
        let cost = (number("redis_round_trips")?, number("db_round_trips")?);
        *costs.entry(cost).or_default() += 1;
        durations.extend(line["duration_ms"].as_f64());
    }
    Ok((costs, durations))
}

fn words((redis, database): Cost) -> String {
    format!("{redis} Redis + {database} DB")
}
