//! The functions.

use std::collections::BTreeMap;
use std::time::Duration;

use super::error::{Error, wrong};
use super::events::{self, HttpRoute, QueueSource, ScheduleRule};
use super::names::Names;
use super::node::Node;
use super::number;
use super::value::{Scope, Value};

/// A function, and what calls it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// What the template calls it.
    pub id: String,
    /// Its name, which is also its binary's.
    pub name: String,
    /// How long one call may take.
    pub timeout: Duration,
    /// Its memory in MiB. Told to it, but not enforced.
    pub memory: u32,
    /// At most so many calls at a time, if the template says so.
    pub reserved_concurrency: Option<usize>,
    /// Its settings.
    pub environment: BTreeMap<String, String>,
    /// The requests that it answers.
    pub routes: Vec<HttpRoute>,
    /// The queues that it works off.
    pub queues: Vec<QueueSource>,
    /// The times at which it runs.
    pub schedules: Vec<ScheduleRule>,
}

const DEFAULT_TIMEOUT: u64 = 3;
const DEFAULT_MEMORY: u32 = 128;

pub(super) fn read(
    scope: &Scope<'_>,
    names: Names<'_>,
    id: &str,
    resource: &Node,
    globals: Option<&Node>,
) -> Result<Function, Error> {
    let line = resource.line;
    let property = |name: &str| {
        let own = resource.at(&["Properties", name]);
        own.or_else(|| globals.and_then(|globals| globals.get(name)))
    };
    let numbers = ["Timeout", "MemorySize", "ReservedConcurrentExecutions"];
    let mut settings = BTreeMap::new();
    for name in numbers {
        if let Some(node) = property(name) {
            settings.insert(name.to_owned(), scope.value(node)?);
        }
    }
    let settings = Value::Map(settings);

    let mut environment = BTreeMap::new();
    let path = ["Environment", "Variables"];
    let shared = globals.and_then(|globals| globals.at(&path));
    let own = resource.at(&["Properties", "Environment", "Variables"]);
    for variables in [shared, own].into_iter().flatten() {
        for (name, node) in variables.members() {
            environment.insert(name.clone(), scope.text(node)?);
        }
    }

    let mut function = Function {
        id: id.to_owned(),
        name: names.of(id).ok_or_else(|| wrong(line, format!("{id} has no name")))?,
        timeout: Duration::from_secs(
            number(&settings, "Timeout", line)?.unwrap_or(DEFAULT_TIMEOUT),
        ),
        memory: number(&settings, "MemorySize", line)?.unwrap_or(DEFAULT_MEMORY),
        reserved_concurrency: number(&settings, "ReservedConcurrentExecutions", line)?,
        environment,
        routes: Vec::new(),
        queues: Vec::new(),
        schedules: Vec::new(),
    };
    let events = resource.at(&["Properties", "Events"]).map(Node::members).unwrap_or_default();
    for (name, event) in events {
        events::read(scope, name, event, &mut function)?;
    }
    Ok(function)
}
