//! What a warm process holds.

use std::path::Path;

use local::lambda::Function;
use serde_json::{Map, Value, json};

use super::Part;
use crate::Failed;
use crate::call::{Caller, Event, ask, new_task};
use crate::machine::{file, kib};
use crate::plan::Plan;
use crate::rig::{NOTHING, Rig};
use crate::stats::real;
use crate::table::{Row, Target};

const BOUND_MIB: f64 = 20.0;
/// So many tasks are asked for in turn; some of a process's first questions are misses.
const TASKS: usize = 200;

/// What the kernel says of a process, in MiB.
pub(super) struct Held {
    pub(super) resident: f64,
    pub(super) own: f64,
    pub(super) peak: f64,
}

pub(super) async fn measure(rig: &Rig, plan: &Plan) -> Result<Part, Failed> {
    let caller = Caller::new(&rig.issuer, "user");
    let create = rig.function("tasks-create")?;
    let bearer = caller.bearer();
    let mut tasks = Vec::new();
    for number in 0..TASKS {
        tasks.push(ask(&create, bearer.create(&new_task(number)), 201).await?.text("id")?);
    }
    let get = |number: usize| bearer.get(&tasks[number % TASKS]);
    let nothing = rig.function(NOTHING)?;
    let floor = held_after(&nothing, plan.memory_calls, 204, get).await?;
    let mut rows = Vec::new();
    let mut raw = Map::new();
    raw.insert(NOTHING.to_owned(), floor.raw());
    for name in ["tasks-get", "tasks-create", "tasks-list"] {
        let function = rig.function(name)?;
        let bearer = caller.bearer();
        let event = |number: usize| match name {
            "tasks-get" => bearer.get(&tasks[number % TASKS]),
            "tasks-create" => bearer.create(&new_task(number)),
            _ => bearer.list(&format!("limit=100&label=operations&skip={}", number % 100)),
        };
        let status = if name == "tasks-create" { 201 } else { 200 };
        let held = held_after(&function, plan.memory_calls, status, event).await?;
        raw.insert(name.to_owned(), held.raw());
        rows.push(Row {
            what: format!("resident memory: {name}"),
            measured: format!("{:.1} MiB ({:.1} of its own)", held.resident, held.own),
            other: format!("do-nothing {:.1} MiB", floor.resident),
            ratio: format!("{:.1} MiB", held.resident),
            target: "≤ 20 MiB".to_owned(),
            met: Some(Target::AtMost(BOUND_MIB).is_met_by(held.resident)),
            about: format!(
                "`VmRSS` of one process after {} requests (in parentheses `RssAnon`, without the pages of the \
                 program's file); the list shows 100 tasks at a time.",
                plan.memory_calls
            ),
            shortfall: String::new(),
        });
    }
    Ok((rows, Value::Object(raw)))
}

async fn held_after(
    function: &Function,
    calls: usize,
    status: u16,
    event: impl Fn(usize) -> Event,
) -> Result<Held, Failed> {
    for number in 0..calls {
        ask(function, event(number), status).await?;
    }
    Held::by(function)
}

/// The newest process of ours that runs this program.
fn process_of(program: &Path) -> Result<u32, Failed> {
    let ours = std::process::id();
    let mut found = None;
    for entry in std::fs::read_dir("/proc")? {
        let Some(id) = entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let stat = file(&format!("/proc/{id}/stat"));
        let parent = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1));
        let runs = file(&format!("/proc/{id}/cmdline"));
        let runs = runs.trim_end_matches('\0');
        if parent == Some(ours.to_string().as_str()) && Path::new(runs) == program {
            found = found.max(Some(id));
        }
    }
    Ok(found.ok_or_else(|| format!("no process runs {}", program.display()))?)
}

impl Held {
    /// By the only process of a function.
    pub(super) fn by(function: &Function) -> Result<Self, Failed> {
        if function.processes() != 1 {
            return Err(format!("{} has several processes", function.settings().name).into());
        }
        let process = process_of(&function.settings().program)?;
        let status = file(&format!("/proc/{process}/status"));
        let mib =
            |name: &str| real(usize::try_from(kib(&status, name)).unwrap_or_default()) / 1024.0;
        Ok(Self { resident: mib("VmRSS"), own: mib("RssAnon"), peak: mib("VmHWM") })
    }

    pub(super) fn raw(&self) -> Value {
        json!({ "resident_mib": self.resident, "own_mib": self.own, "peak_mib": self.peak })
    }
}
