//! Which expressions EventBridge takes, and when they are due.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Schedule, event};
use crate::template::ScheduleRule;

fn at(text: &str) -> SystemTime {
    OffsetDateTime::parse(&format!("{}:00Z", text.replace(' ', "T")), &Rfc3339).unwrap().into()
}

/// The next times of an expression, as many as are expected.
#[track_caller]
fn expect(expression: &str, after: &str, expected: &[&str]) {
    let schedule = Schedule::parse(expression).unwrap();
    let first = schedule.next(at(after));
    let times = std::iter::successors(first, |time| schedule.next(*time)).take(expected.len());
    let text = |time: SystemTime| {
        OffsetDateTime::from(time).format(&Rfc3339).unwrap()[..16].replace('T', " ")
    };
    assert_eq!(times.map(text).collect::<Vec<_>>(), expected, "{expression}");
}

#[track_caller]
fn refused(expression: &str, why: &str) {
    let error = Schedule::parse(expression).expect_err(expression).to_string();
    assert!(error.contains(why), "{error}");
    assert!(error.contains(expression), "{error}");
}

#[test]
fn a_rate_counts_from_where_it_begins() {
    expect("rate(1 minute)", "2026-02-28 23:58", &["2026-02-28 23:59", "2026-03-01 00:00"]);
    expect("rate(5 minutes)", "2026-01-01 00:02", &["2026-01-01 00:07", "2026-01-01 00:12"]);
    expect("rate(1 hour)", "2026-01-01 00:30", &["2026-01-01 01:30"]);
    expect("rate(36 hours)", "2026-01-01 00:00", &["2026-01-02 12:00"]);
    expect("rate(1 day)", "2026-01-31 10:00", &["2026-02-01 10:00"]);
    expect("rate(7 days)", "2026-01-01 10:00", &["2026-01-08 10:00", "2026-01-15 10:00"]);
    let seconds = SystemTime::UNIX_EPOCH + Duration::from_millis(1_500);
    let schedule = Schedule::parse("rate(1 minute)").unwrap();
    assert_eq!(schedule.next(seconds), Some(seconds + Duration::from_mins(1)));
}

#[test]
fn rates_that_eventbridge_refuses() {
    refused("rate(1 minutes)", "1 goes with `minute`");
    refused("rate(5 minute)", "5 goes with `minutes`");
    refused("rate(1 days)", "1 goes with `day`");
    refused("rate(2 hour)", "2 goes with `hours`");
    refused("rate(0 minutes)", "`0` is no whole number above 0");
    refused("rate(-1 minutes)", "`-1` is no whole number above 0");
    refused("rate(+1 minute)", "`+1` is no whole number above 0");
    refused("rate(1.5 hours)", "`1.5` is no whole number above 0");
    refused("rate(30 seconds)", "`seconds` is no unit");
    refused("rate(5 Minutes)", "`Minutes` is no unit");
    refused("rate(5)", "a number and a unit");
    refused("rate()", "a number and a unit");
    refused("rate(5 minutes", "it is `rate(…)` or `cron(…)`");
    refused("5 minutes", "it is `rate(…)` or `cron(…)`");
    refused("0 3 * * ? *", "it is `rate(…)` or `cron(…)`");
    refused("at(2026-01-01T00:00:00)", "it is `rate(…)` or `cron(…)`");
    refused("", "it is `rate(…)` or `cron(…)`");
}

/// The examples of EventBridge's user guide. 2026-01-01 is a Thursday.
#[test]
fn the_examples_of_the_documentation() {
    let new_year = "2026-01-01 00:00";
    expect("cron(0 10 * * ? *)", new_year, &["2026-01-01 10:00", "2026-01-02 10:00"]);
    expect("cron(15 12 * * ? *)", "2026-01-01 12:15", &["2026-01-02 12:15"]);
    expect(
        "cron(0 18 ? * MON-FRI *)",
        "2026-01-02 17:59",
        &["2026-01-02 18:00", "2026-01-05 18:00"],
    );
    expect("cron(0 8 1 * ? *)", new_year, &["2026-01-01 08:00", "2026-02-01 08:00"]);
    expect("cron(0/15 * * * ? *)", "2026-01-01 23:40", &["2026-01-01 23:45", "2026-01-02 00:00"]);
    expect(
        "cron(0/10 * ? * MON-FRI *)",
        "2026-01-02 23:45",
        &["2026-01-02 23:50", "2026-01-05 00:00", "2026-01-05 00:10"],
    );
    expect(
        "cron(0/5 8-17 ? * MON-FRI *)",
        "2026-01-02 17:50",
        &["2026-01-02 17:55", "2026-01-05 08:00"],
    );
    expect(
        "cron(0/30 20-2 ? * MON-FRI *)",
        "2026-01-02 02:00",
        &["2026-01-02 02:30", "2026-01-02 20:00", "2026-01-02 20:30"],
    );
    expect("cron(0/30 20-2 ? * MON-FRI *)", "2026-01-02 23:30", &["2026-01-05 00:00"]);
    expect("cron(15 10 ? * 6L 2026-2027)", new_year, &["2026-01-30 10:15", "2026-02-27 10:15"]);
    expect("cron(1/10 * * * ? *)", new_year, &["2026-01-01 00:01", "2026-01-01 00:11"]);
    expect("cron(0 0 ? * 3#2 *)", new_year, &["2026-01-13 00:00", "2026-02-10 00:00"]);
    expect("cron(0 0 3W * ? *)", new_year, &["2026-01-02 00:00", "2026-02-03 00:00"]);
}

#[test]
fn minutes_and_hours() {
    let new_year = "2026-01-01 00:00";
    expect("cron(* * * * ? *)", new_year, &["2026-01-01 00:01", "2026-01-01 00:02"]);
    expect("cron(0 3 * * ? *)", "2026-01-01 03:00", &["2026-01-02 03:00"]);
    expect("cron(0 3 ? * * *)", "2026-01-01 02:59", &["2026-01-01 03:00"]);
    expect("cron(*/20 5 * * ? *)", new_year, &["2026-01-01 05:00", "2026-01-01 05:20"]);
    expect(
        "cron(10-30/10 5 * * ? *)",
        new_year,
        &["2026-01-01 05:10", "2026-01-01 05:20", "2026-01-01 05:30", "2026-01-02 05:10"],
    );
    expect(
        "cron(0 22-3/2 * * ? *)",
        "2026-01-01 00:00",
        &["2026-01-01 02:00", "2026-01-01 22:00", "2026-01-02 00:00"],
    );
    expect("cron(59 23 31 12 ? *)", "2026-12-31 23:59", &["2027-12-31 23:59"]);
    expect(
        "cron(0,30 0,12 * * ? *)",
        new_year,
        &["2026-01-01 00:30", "2026-01-01 12:00", "2026-01-01 12:30", "2026-01-02 00:00"],
    );
    expect("cron( 0  3 * * ? * )", new_year, &["2026-01-01 03:00"]);
}

#[test]
fn seconds_are_dropped() {
    let schedule = Schedule::parse("cron(* * * * ? *)").unwrap();
    let minute = at("2026-01-01 00:00");
    for after in [0, 1, 59] {
        let next = schedule.next(minute + Duration::from_secs(after)).unwrap();
        assert_eq!(next, at("2026-01-01 00:01"), "after {after} s");
    }
    assert_eq!(schedule.next(minute - Duration::from_millis(1)), Some(minute));
}

#[test]
fn days_of_the_month() {
    let new_year = "2026-01-01 00:00";
    expect("cron(0 0 31 * ? *)", new_year, &["2026-01-31 00:00", "2026-03-31 00:00"]);
    expect("cron(0 0 29 2 ? *)", new_year, &["2028-02-29 00:00", "2032-02-29 00:00"]);
    expect(
        "cron(0 0 L * ? *)",
        new_year,
        &["2026-01-31 00:00", "2026-02-28 00:00", "2026-03-31 00:00"],
    );
    expect("cron(0 0 L 2 ? *)", "2027-06-01 00:00", &["2028-02-29 00:00"]);
    expect("cron(0 0 1,15 * ? *)", new_year, &["2026-01-15 00:00", "2026-02-01 00:00"]);
    expect(
        "cron(0 0 1/10 FEB ? *)",
        new_year,
        &["2026-02-01 00:00", "2026-02-11 00:00", "2026-02-21 00:00", "2027-02-01 00:00"],
    );
}

#[test]
fn the_nearest_workday_stays_in_its_month() {
    // Saturday the 1st.
    expect("cron(0 0 1W 8 ? 2026)", "2026-01-01 00:00", &["2026-08-03 00:00"]);
    // Sunday the 1st.
    expect("cron(0 0 1W 2 ? 2026)", "2026-01-01 00:00", &["2026-02-02 00:00"]);
    // Saturday the 15th, Sunday the 15th.
    expect("cron(0 0 15W 8 ? 2026)", "2026-01-01 00:00", &["2026-08-14 00:00"]);
    expect("cron(0 0 15W 3 ? 2026)", "2026-01-01 00:00", &["2026-03-16 00:00"]);
    // Sunday, the last day.
    expect("cron(0 0 31W 5 ? 2026)", "2026-01-01 00:00", &["2026-05-29 00:00"]);
    // No such day in April and June.
    expect(
        "cron(0 0 31W 4-7 ? 2026)",
        "2026-01-01 00:00",
        &["2026-05-29 00:00", "2026-07-31 00:00"],
    );
}

#[test]
fn days_of_the_week_begin_with_sunday() {
    let new_year = "2026-01-01 00:00";
    expect("cron(0 0 ? * 1 *)", new_year, &["2026-01-04 00:00", "2026-01-11 00:00"]);
    expect("cron(0 0 ? * SUN *)", new_year, &["2026-01-04 00:00"]);
    expect("cron(0 0 ? * 7 *)", new_year, &["2026-01-03 00:00"]);
    expect("cron(0 0 ? * L *)", new_year, &["2026-01-03 00:00", "2026-01-10 00:00"]);
    expect(
        "cron(0 0 ? * mon,Wed,FRI *)",
        new_year,
        &["2026-01-02 00:00", "2026-01-05 00:00", "2026-01-07 00:00"],
    );
    expect("cron(0 0 ? * 2-4 *)", new_year, &["2026-01-05 00:00", "2026-01-06 00:00"]);
    expect("cron(0 0 ? * SAT-SUN *)", new_year, &["2026-01-03 00:00", "2026-01-04 00:00"]);
    expect("cron(0 0 ? * FRIL *)", new_year, &["2026-01-30 00:00", "2026-02-27 00:00"]);
    expect("cron(0 0 ? * 1#1 *)", new_year, &["2026-01-04 00:00", "2026-02-01 00:00"]);
    expect("cron(0 0 ? * MON#5 *)", new_year, &["2026-03-30 00:00", "2026-06-29 00:00"]);
}

#[test]
fn months_and_years() {
    expect(
        "cron(0 0 1 JAN,JUL ? *)",
        "2026-01-01 00:00",
        &["2026-07-01 00:00", "2027-01-01 00:00"],
    );
    expect("cron(0 0 1 */6 ? *)", "2026-01-01 00:00", &["2026-07-01 00:00", "2027-01-01 00:00"]);
    expect("cron(0 0 1 1 ? 2030)", "2026-01-01 00:00", &["2030-01-01 00:00"]);
    expect("cron(0 0 1 1 ? 2026/2)", "2026-06-01 00:00", &["2028-01-01 00:00", "2030-01-01 00:00"]);
    let next = |expression: &str| Schedule::parse(expression).unwrap().next(at("2026-06-01 00:00"));
    assert_eq!(next("cron(0 0 1 1 ? 2026)"), None);
    assert_eq!(next("cron(0 0 1 1 ? 1970-2025)"), None);
    assert_eq!(next("cron(0 0 30 2 ? *)"), None);
}

#[test]
fn crons_that_eventbridge_refuses() {
    refused("cron(0 3 * * *)", "it has 5 fields instead of six");
    refused("cron(0 0 3 * * ? *)", "it has 7 fields instead of six");
    refused("cron()", "it has 0 fields");
    refused("cron(0 3 * * * *)", "one of the two fields for days must be `?`");
    refused("cron(0 3 1 * MON *)", "one of the two fields for days must be `?`");
    refused("cron(0 3 ? * ? *)", "only one of the two fields for days can be `?`");
    refused("cron(? 3 * * ? *)", "minutes: `?` is no value from 0 to 59");
    refused("cron(60 3 * * ? *)", "minutes: `60` is no value from 0 to 59");
    refused("cron(0 24 * * ? *)", "hours: `24` is no value from 0 to 23");
    refused("cron(0 0 0 * ? *)", "day-of-month: `0` is no value from 1 to 31");
    refused("cron(0 0 32 * ? *)", "day-of-month: `32` is no value");
    refused("cron(0 0 32W * ? *)", "day-of-month: `32` is no value");
    refused("cron(0 0 W * ? *)", "day-of-month: `` is no value");
    refused("cron(0 0 L,1 * ? *)", "day-of-month: `L` is no value");
    refused("cron(0 0 1 13 ? *)", "month: `13` is no value from 1 to 12");
    refused("cron(0 0 1 JUNE ? *)", "month: `JUNE` is no value");
    refused("cron(0 0 ? * 0 *)", "day-of-week: `0` is no value from 1 to 7");
    refused("cron(0 0 ? * 8 *)", "day-of-week: `8` is no value from 1 to 7");
    refused("cron(0 0 ? * MON/2 *)", "day-of-week: there are no steps");
    refused("cron(0 0 ? * 3#6 *)", "a number from 1 to 5");
    refused("cron(0 0 ? * 3#0 *)", "a number from 1 to 5");
    refused("cron(0 0 ? * 3#1,6#3 *)", "a number from 1 to 5");
    refused("cron(0 0 ? * 8L *)", "day-of-week: `8` is no value");
    refused("cron(0 0 1 1 ? 1969)", "year: `1969` is no value from 1970 to 2199");
    refused("cron(0 0 1 1 ? 2200)", "year: `2200` is no value");
    refused("cron(0/0 0 * * ? *)", "minutes: `0` is no step from 1 to 59");
    refused("cron(0/60 0 * * ? *)", "minutes: `60` is no step from 1 to 59");
    refused("cron(0 0 1 1 ? 2030-2026)", "the range 2030-2026 ends before it begins");
    refused("cron(1, 0 * * ? *)", "minutes: `` is no value");
    refused("cron(+1 0 * * ? *)", "minutes: `+1` is no value");
    refused("cron(1-2-3 0 * * ? *)", "minutes: `2-3` is no value");
    refused("cron(99999999 0 * * ? *)", "minutes: `99999999` is no value");
}

#[test]
fn the_event_is_eventbridges_unless_the_rule_has_an_input() {
    let mut rule = ScheduleRule { name: "Nightly".into(), expression: String::new(), input: None };
    let mut sent: Value = serde_json::from_slice(&event(&rule, at("2026-01-01 03:00"))).unwrap();
    let id = sent["id"].take();
    assert_eq!(id.as_str().map(str::len), Some(36));
    let expected = json!({
        "version": "0",
        "id": null,
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "000000000000",
        "time": "2026-01-01T03:00:00Z",
        "region": "us-east-1",
        "resources": ["arn:aws:events:us-east-1:000000000000:rule/Nightly"],
        "detail": {},
    });
    assert_eq!(sent, expected);

    rule.input = Some(r#"{"job":"purge"}"#.into());
    assert_eq!(event(&rule, at("2026-01-01 03:00")), r#"{"job":"purge"}"#);
}
