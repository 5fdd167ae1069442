//! What calls a function.

use std::time::Duration;

use super::error::{Error, wrong};
use super::function::Function;
use super::node::Node;
use super::value::{Scope, Value};
use super::{number, only};

/// A method and a path of the gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRoute {
    /// The method, or `ANY`.
    pub method: String,
    /// The path with its `{…}`, or `$default`.
    pub path: String,
}

/// An event source mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueSource {
    /// The queue's ARN.
    pub queue: String,
    /// At most so many messages at a time.
    pub batch_size: usize,
    /// How long is waited for a batch to fill.
    pub window: Duration,
    /// At most so many batches at a time.
    pub concurrency: usize,
    /// Whether the function says which messages failed; otherwise all did, or none.
    pub partial_failures: bool,
}

/// A schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleRule {
    /// Its name.
    pub name: String,
    /// `rate(…)` or `cron(…)`.
    pub expression: String,
    /// What the function is given instead of the usual event.
    pub input: Option<String>,
}

const DEFAULT_BATCH: usize = 10;
/// How many batches Lambda begins with, and as many as a laptop needs.
const DEFAULT_CONCURRENCY: usize = 5;

pub(super) fn read(
    scope: &Scope<'_>,
    name: &str,
    event: &Node,
    function: &mut Function,
) -> Result<(), Error> {
    let line = event.line;
    let kind = match event.get("Type") {
        Some(node) => scope.text(node)?,
        None => return Err(wrong(line, format!("the event {name} has no type"))),
    };
    let properties = match event.get("Properties") {
        Some(node) => scope.value(node)?,
        None => Value::None,
    };
    let is_on = properties.get("Enabled").text() != Some("false")
        && properties.get("State").text() != Some("DISABLED");
    match kind.as_str() {
        "HttpApi" => function.routes.push(http(&properties)),
        "SQS" if is_on => function.queues.push(queue(&properties, line)?),
        "Schedule" | "ScheduleV2" if is_on => {
            function.schedules.push(schedule(&properties, name, line)?);
        }
        "SQS" | "Schedule" | "ScheduleV2" => {}
        _ => return Err(wrong(line, format!("events of type {kind} are not played here"))),
    }
    Ok(())
}

fn http(properties: &Value) -> HttpRoute {
    let word =
        |key: &str, fallback: &str| properties.get(key).text().unwrap_or(fallback).to_owned();
    HttpRoute { method: word("Method", "ANY").to_uppercase(), path: word("Path", "$default") }
}

fn queue(properties: &Value, line: usize) -> Result<QueueSource, Error> {
    let known = [
        "BatchSize",
        "Enabled",
        "FunctionResponseTypes",
        "MaximumBatchingWindowInSeconds",
        "Queue",
        "ScalingConfig",
    ];
    only(properties, &known, line)?;
    let queue = properties.get("Queue").text().ok_or_else(|| wrong(line, "Queue is missing"))?;
    let types = properties.get("FunctionResponseTypes").texts();
    Ok(QueueSource {
        queue: queue.to_owned(),
        batch_size: number(properties, "BatchSize", line)?.unwrap_or(DEFAULT_BATCH).max(1),
        window: Duration::from_secs(
            number(properties, "MaximumBatchingWindowInSeconds", line)?.unwrap_or(0),
        ),
        concurrency: number(properties.get("ScalingConfig"), "MaximumConcurrency", line)?
            .unwrap_or(DEFAULT_CONCURRENCY),
        partial_failures: types.iter().any(|kind| kind == "ReportBatchItemFailures"),
    })
}

fn schedule(properties: &Value, name: &str, line: usize) -> Result<ScheduleRule, Error> {
    let known = [
        "DeadLetterConfig",
        "Description",
        "Enabled",
        "Input",
        "Name",
        "RetryPolicy",
        "Schedule",
        "ScheduleExpression",
        "State",
    ];
    only(properties, &known, line)?;
    let expression = properties.get("Schedule").text();
    let expression = expression.or_else(|| properties.get("ScheduleExpression").text());
    Ok(ScheduleRule {
        name: properties.get("Name").text().unwrap_or(name).to_owned(),
        expression: expression.ok_or_else(|| wrong(line, "Schedule is missing"))?.to_owned(),
        input: properties.get("Input").text().map(str::to_owned),
    })
}
