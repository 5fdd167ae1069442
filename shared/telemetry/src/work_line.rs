//! The lines that work without a client leaves behind.

use std::time::Duration;

use domain::event::Envelope;
use serde_json::Value;

use crate::Tally;

/// What the log learns of some events that a worker has dealt with at once.
pub struct WorkLine<'a> {
    /// The function.
    pub function: &'static str,
    /// The events.
    pub events: Vec<&'a Envelope>,
    /// How often they have been received, this time included; of several the most.
    pub receives: u32,
    /// Why they were not dealt with.
    pub failure: Option<&'a str>,
    /// How long ago the oldest of them happened.
    pub age: Duration,
    /// How long it took.
    pub duration: Duration,
    /// What it cost.
    pub tally: Tally,
}

impl WorkLine<'_> {
    /// Writes the line: a failure as a warning, everything else as information.
    pub fn write(&self) {
        // Of several events the ids stand in one text, with a space between them.
        let words = |of: fn(&Envelope) -> Option<&str>| {
            let all: Vec<&str> = self.events.iter().copied().filter_map(of).collect();
            all.join(" ")
        };
        let request_id = words(|event| Some(&event.request_id));
        let trace_id = words(|event| event.traceparent.as_deref()?.split('-').nth(1));
        let event = match self.events[..] {
            [event] => event.event.name(),
            _ => "several",
        };
        let ids: Vec<String> = self.events.iter().map(|event| event.id.to_string()).collect();
        macro_rules! line {
            ($level:ident, $word:literal) => {
                tracing::$level!(
                    target: crate::TARGET,
                    function = self.function,
                    request_id,
                    trace_id,
                    event,
                    event_id = ids.join(" "),
                    events = self.events.len(),
                    receives = self.receives,
                    error_cause = self.failure,
                    age_ms = self.age.as_secs_f64() * 1000.0,
                    duration_ms = self.duration.as_secs_f64() * 1000.0,
                    db_round_trips = self.tally.database,
                    "{} {} {}", self.function, event, $word
                )
            };
        }
        if self.failure.is_some() {
            line!(warn, "failed");
        } else {
            line!(info, "done");
        }
    }
}

/// What the log learns of a job's run.
pub struct JobLine<'a> {
    /// The function.
    pub function: &'static str,
    /// What it was told.
    pub input: &'a Value,
    /// What came of it.
    pub result: &'a Result<Value, String>,
    /// How long it took.
    pub duration: Duration,
    /// What it cost.
    pub tally: Tally,
}

impl JobLine<'_> {
    /// Writes the line: a failure as an error, everything else as information.
    pub fn write(&self) {
        let job = self.input.get("job").and_then(|job| job.as_str());
        macro_rules! line {
            ($level:ident, $name:ident = $value:expr) => {
                tracing::$level!(
                    target: crate::TARGET,
                    function = self.function,
                    job,
                    $name = $value,
                    duration_ms = self.duration.as_secs_f64() * 1000.0,
                    db_round_trips = self.tally.database,
                    "{} ran", self.function
                )
            };
        }
        match self.result {
            Ok(result) => line!(info, result = result.to_string()),
            Err(why) => line!(error, error_cause = why),
        }
    }
}
