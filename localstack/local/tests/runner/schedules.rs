//! Schedules, with the probe as the function and a clock that a test moves.

use std::time::{Duration, SystemTime};

use clock::Clock;
use local::lambda::{Function, Settings, Stream};
use local::schedules::{self, Schedules};
use local::template::ScheduleRule;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::support::{self, Lines};

const MINUTE: Duration = Duration::from_mins(1);

/// Only what never happens takes so long.
const PATIENCE: Duration = MINUTE;

struct Bench {
    clock: Clock,
    function: Function,
    lines: Lines,
}

impl Bench {
    fn new() -> Self {
        let lines = Lines::default();
        let settings = Settings { timeout: MINUTE, ..support::probe() };
        let function = Function::new(settings, Clock::system(), lines.logs());
        Self { clock: Clock::stopped(), function, lines }
    }

    fn start(&self, expression: &str, input: Option<&str>) -> Schedules {
        let rule = ScheduleRule {
            name: "Tick".into(),
            expression: expression.into(),
            input: input.map(str::to_owned),
        };
        schedules::start(&[rule], &self.function, &self.clock, &self.lines.logs()).unwrap()
    }

    /// The events that the function was given.
    fn events(&self) -> Vec<Value> {
        let lines = self.lines.of(Stream::Function);
        let events = lines.iter().filter_map(|line| line.strip_prefix("got "));
        events.map(|event| serde_json::from_str(event).unwrap()).collect()
    }

    /// The times of those events.
    fn times(&self) -> Vec<String> {
        let time = |event: &Value| event["time"].as_str().unwrap().to_owned();
        self.events().iter().map(time).collect()
    }

    async fn until(&self, what: &str, happened: impl Fn() -> bool) {
        let wait = async {
            while !happened() {
                tokio::time::sleep(Duration::from_millis(25)).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, wait).await;
        assert!(waited.is_ok(), "never: {what}; {:?}", self.lines.all());
    }

    async fn runs(&self, count: usize) {
        self.until("as many runs", || self.events().len() == count).await;
    }
}

/// As an event shows it.
fn text(time: SystemTime) -> String {
    let time = OffsetDateTime::from(time).replace_nanosecond(0).unwrap();
    time.format(&Rfc3339).unwrap()
}

#[tokio::test]
async fn a_rate_runs_after_its_interval_and_makes_up_for_missed_runs_once() {
    let bench = Bench::new();
    let begin = bench.clock.now();
    let schedules = bench.start("rate(5 minutes)", None);
    bench.clock.advance(5 * MINUTE);
    bench.runs(1).await;
    // The laptop slept.
    bench.clock.advance(62 * MINUTE);
    bench.runs(2).await;
    bench.clock.advance(3 * MINUTE);
    bench.runs(3).await;
    schedules.stop().await;
    let expected = [5, 65, 70].map(|minutes| text(begin + minutes * MINUTE));
    assert_eq!(bench.times(), expected);
    assert_eq!(
        bench.events()[0]["resources"][0],
        "arn:aws:events:us-east-1:000000000000:rule/Tick"
    );
    assert_eq!(bench.lines.of(Stream::Runner), Vec::<String>::new());
}

#[tokio::test]
async fn a_cron_runs_at_its_minutes_and_with_its_input() {
    let bench = Bench::new();
    let schedules = bench.start("cron(0 * * * ? *)", Some(r#"{"job":"purge"}"#));
    for runs in 1..=3 {
        bench.clock.advance(60 * MINUTE);
        bench.runs(runs).await;
    }
    schedules.stop().await;
    assert!(bench.events().iter().all(|event| event["job"] == "purge"), "{:?}", bench.events());
}

#[tokio::test]
async fn a_run_that_fails_is_tried_twice_again() {
    let bench = Bench::new();
    let schedules = bench.start("rate(1 day)", Some(r#"{"do":"fail"}"#));
    bench.clock.advance(24 * 60 * MINUTE);
    let said =
        |words: &str| bench.lines.of(Stream::Runner).iter().any(|line| line.ends_with(words));
    bench.until("one failure", || said("tried again in 60 s")).await;
    bench.clock.advance(MINUTE);
    bench.until("two failures", || said("tried again in 120 s")).await;
    bench.clock.advance(2 * MINUTE);
    bench.until("three failures", || said("given up")).await;
    schedules.stop().await;
    assert_eq!(bench.events().len(), 3);
    let lines = bench.lines.of(Stream::Runner);
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[0].starts_with("Tick: the function failed: "), "{lines:?}");
}

#[tokio::test]
async fn a_long_run_does_not_hold_up_the_next() {
    let bench = Bench::new();
    let schedules = bench.start("rate(1 minute)", Some(r#"{"do":"sleep","ms":5000}"#));
    for runs in 1..=2 {
        bench.clock.advance(MINUTE);
        bench.runs(runs).await;
    }
    assert_eq!(bench.function.processes(), 2);
    schedules.stop().await;
}

#[tokio::test]
async fn what_runs_is_finished_and_nothing_more_is_started() {
    let bench = Bench::new();
    let schedules = bench.start("rate(1 minute)", Some(r#"{"do":"sleep","ms":1000}"#));
    bench.clock.advance(MINUTE);
    bench.runs(1).await;
    schedules.stop().await;
    // It was given its answer: the only process is free for this at once.
    bench.function.invoke("{}".into(), "").await.unwrap();
    assert_eq!(bench.function.processes(), 1);

    // Nor does a retry hold up the end.
    let schedules = bench.start("rate(1 minute)", Some(r#"{"do":"fail"}"#));
    bench.clock.advance(MINUTE);
    bench.until("a failure", || !bench.lines.of(Stream::Runner).is_empty()).await;
    schedules.stop().await;
    assert_eq!(bench.lines.of(Stream::Runner).len(), 1);
}

#[tokio::test]
async fn the_last_time_is_said() {
    let bench = Bench::new();
    let year = OffsetDateTime::from(bench.clock.now()).year();
    let schedules = bench.start(&format!("cron(0 0 1 1 ? {year})"), None);
    bench
        .until("a line", || bench.lines.of(Stream::Runner) == ["Tick: this was the last time"])
        .await;
    schedules.stop().await;
}

#[tokio::test]
async fn a_wrong_expression_is_refused_at_the_start() {
    let bench = Bench::new();
    let rule =
        ScheduleRule { name: "Tick".into(), expression: "rate(1 minutes)".into(), input: None };
    let error = schedules::start(&[rule], &bench.function, &bench.clock, &bench.lines.logs());
    let error = error.err().expect("an error").to_string();
    assert_eq!(error, "`rate(1 minutes)` is no schedule: 1 goes with `minute`");
}

#[test]
fn the_example_is_made_as_the_events_are() {
    let mut example: Value =
        serde_json::from_str(include_str!("../../../events/scheduled.json")).unwrap();
    let rule = ScheduleRule { name: "Nightly".into(), expression: String::new(), input: None };
    let at = OffsetDateTime::parse("2026-01-31T09:30:00Z", &Rfc3339).unwrap();
    let mut event: Value = serde_json::from_slice(&schedules::event(&rule, at.into())).unwrap();
    assert!(event["id"].take().is_string());
    assert!(example["id"].take().is_string());
    assert_eq!(event, example);
}
