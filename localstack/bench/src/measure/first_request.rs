//! From the start of a process to its first answer, over connections that are all new.

use serde_json::json;

use super::Part;
use crate::Failed;
use crate::call::{Caller, Event, ask, new_task, timed};
use crate::plan::Plan;
use crate::rig::{NOTHING, Rig};
use crate::stats::Samples;
use crate::table::{Row, Target, ms, times};

const BOUND_MS: f64 = 60.0;

pub(super) async fn measure(rig: &Rig, plan: &Plan) -> Result<Part, Failed> {
    let bearer = Caller::new(&rig.issuer, "user").bearer();
    let create = rig.function("tasks-create")?;
    let mut tasks = Vec::new();
    for number in 0..=plan.starts {
        tasks.push(ask(&create, bearer.create(&new_task(number)), 201).await?.text("id")?);
    }
    let (mut nothing, mut miss, mut write) = <(Samples, Samples, Samples)>::default();
    for (number, task) in tasks.iter().enumerate() {
        let get = bearer.get(task);
        // The first start reads the programs from the disk.
        let mut unused = Samples::default();
        let first = number == 0;
        let floor = if first { &mut unused } else { &mut nothing };
        start_and_ask(rig, NOTHING, get.clone(), 204, floor).await?;
        let samples = if first { &mut unused } else { &mut miss };
        start_and_ask(rig, "tasks-get", get, 200, samples).await?;
        let samples = if first { &mut unused } else { &mut write };
        let event = bearer.create(&new_task(number));
        start_and_ask(rig, "tasks-create", event, 201, samples).await?;
    }
    let row = |what: &str, samples: &Samples| Row {
        what: format!("first request after a cold start: {what}"),
        measured: format!("{}, p90 {}", ms(samples.p50()), ms(samples.percentile(90.0))),
        other: format!("do-nothing {}", ms(nothing.p50())),
        ratio: times(samples.p50() / nothing.p50()),
        target: "≤ 60 ms".to_owned(),
        met: Some(Target::AtMost(BOUND_MS).is_met_by(samples.p50())),
        about: format!(
            "From the start of the process to the answer; median of {} starts of each kind in turn, judged \
             by the median. All connections of the process are new; the pooler's to Postgres are not.",
            plan.starts
        ),
        shortfall: "See the rows of the cold start for its parts.".to_owned(),
    };
    let rows = vec![row("GET, miss", &miss), row("create", &write)];
    let raw =
        json!({ "nothing": nothing.summary(), "get": miss.summary(), "create": write.summary() });
    Ok((rows, raw))
}

async fn start_and_ask(
    rig: &Rig,
    name: &str,
    event: Event,
    status: u16,
    samples: &mut Samples,
) -> Result<(), Failed> {
    let mut settings = rig.settings(name)?;
    settings.dies_with_us = false;
    let function = rig.run(settings);
    timed(&function, event, status, samples).await?;
    Ok(())
}
