#![doc = include_str!("../README.md")]

mod call;
mod journal;
mod machine;
mod measure;
mod plan;
mod processors;
mod report;
mod rig;
mod stats;
mod table;

use std::process::ExitCode;

use services::checkout;
use tokio::signal::unix::{SignalKind, signal};

use crate::measure::{everything, step};
use crate::plan::{Plan, USAGE};
use crate::report::Occasion;
use crate::rig::Rig;

/// Why there are no numbers.
type Failed = Box<dyn std::error::Error + Send + Sync>;

/// The whole of `main`.
pub fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let plan = match Plan::read(&words) {
        Ok(plan) => plan,
        Err(why) => {
            services::say(format_args!("bench: {why}\n{USAGE}"));
            return ExitCode::from(2);
        }
    };
    run(&plan).unwrap_or_else(|error| {
        // Postgres says only behind it what it was.
        let behind = error.source().map_or_else(String::new, |why| format!(": {why}"));
        services::say(format_args!("bench: {error}{behind}"));
        ExitCode::FAILURE
    })
}

fn run(plan: &Plan) -> Result<ExitCode, Failed> {
    let occasion = Occasion::now();
    // One thread, as in a function: a call is not handed from one to another.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    step("starting services");
    let rig = {
        // Functions run in the runtime that they are made in.
        let _inside = runtime.enter();
        Rig::start(&checkout().join(".local/bench/services"), plan.only_behind)?
    };
    let found = runtime.block_on(async {
        tokio::select! {
            found = everything(&rig, plan) => found.map(Some),
            interrupted = interrupted() => interrupted.map(|()| None),
        }
    })?;
    // Functions end with the runtime, before what they are connected to.
    drop(runtime);
    let Some(found) = found else {
        services::say("bench: interrupted; stopping services");
        rig.services.stop()?;
        return Ok(ExitCode::from(130));
    };
    rig.services.stop()?;
    occasion.report(plan, &found)?;
    Ok(ExitCode::SUCCESS)
}

/// Waits for Ctrl-C, or for being told to end.
async fn interrupted() -> Result<(), Failed> {
    let (mut ctrl_c, mut end) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        _ = ctrl_c.recv() => {}
        _ = end.recv() => {}
    }
    Ok(())
}
