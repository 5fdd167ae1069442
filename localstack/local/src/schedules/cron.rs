//! `cron(…)`, as EventBridge reads it: minutes, hours, day-of-month, month, day-of-week, year.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use time::{Date, OffsetDateTime, Time};

use super::field::{DAYS, HOURS, MINUTES, MONTHS, WEEKDAYS, YEARS};

/// When all fields fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cron {
    minutes: BTreeSet<u16>,
    hours: BTreeSet<u16>,
    days: Days,
    months: BTreeSet<u16>,
    years: BTreeSet<u16>,
}

/// Days of the month or of the week; an expression has only one of the two. A weekday is a number
/// from 1, Sunday, to 7.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Days {
    OfMonth(BTreeSet<u16>),
    /// `L`.
    LastOfMonth,
    /// `15W`: the day from Monday to Friday that is nearest to the 15th, in the same month.
    NearestWorkday(u8),
    OfWeek(BTreeSet<u16>),
    /// `6L`: the last Friday of the month.
    LastWeekday(u8),
    /// `6#3`: the third Friday of the month.
    NthWeekday(u8, u8),
}

impl Cron {
    /// Reads the six fields.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let &[minutes, hours, of_month, month, of_week, year] = fields.as_slice() else {
            let count = fields.len();
            return Err(format!(
                "it has {count} fields instead of six: minutes, hours, day-of-month, month, \
                 day-of-week, year"
            ));
        };
        let days = match (of_month, of_week) {
            ("?", "?") => return Err("only one of the two fields for days can be `?`".to_owned()),
            (of_month, "?") => Days::of_month(of_month)?,
            ("?", of_week) => Days::of_week(of_week)?,
            _ => return Err("one of the two fields for days must be `?`".to_owned()),
        };
        Ok(Self {
            minutes: MINUTES.values(minutes)?,
            hours: HOURS.values(hours)?,
            days,
            months: MONTHS.values(month)?,
            years: YEARS.values(year)?,
        })
    }

    /// The first time after this one, if there is one.
    pub(super) fn next(&self, after: SystemTime) -> Option<SystemTime> {
        const MINUTE: i64 = 60;
        let seconds = OffsetDateTime::from(after).unix_timestamp();
        let earliest = (seconds.div_euclid(MINUTE) + 1) * MINUTE;
        let earliest = OffsetDateTime::from_unix_timestamp(earliest).ok()?;
        let mut date = earliest.date();
        let last_year = i32::from(*self.years.last()?);
        while date.year() <= last_year {
            if self.has(date) {
                let from = if date == earliest.date() { earliest.time() } else { Time::MIDNIGHT };
                if let Some(time) = self.time(from) {
                    let found = date.with_time(time).assume_utc();
                    let since = u64::try_from(found.unix_timestamp()).ok()?;
                    return SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(since));
                }
            }
            date = date.next_day()?;
        }
        None
    }

    fn has(&self, date: Date) -> bool {
        let year = u16::try_from(date.year());
        year.is_ok_and(|year| self.years.contains(&year))
            && self.months.contains(&u16::from(u8::from(date.month())))
            && self.days.has(date)
    }

    /// The first time of a day that is not before this one.
    fn time(&self, from: Time) -> Option<Time> {
        let (hour, minute) = (u16::from(from.hour()), u16::from(from.minute()));
        let found = self.hours.range(hour..).find_map(|&found| {
            let least = if found == hour { minute } else { 0 };
            Some((found, *self.minutes.range(least..).next()?))
        });
        let (hour, minute) = found?;
        Time::from_hms(u8::try_from(hour).ok()?, u8::try_from(minute).ok()?, 0).ok()
    }
}

impl Days {
    fn of_month(text: &str) -> Result<Self, String> {
        if text == "L" {
            return Ok(Self::LastOfMonth);
        }
        if let Some(day) = text.strip_suffix('W') {
            return Ok(Self::NearestWorkday(small(DAYS.value(day)?)?));
        }
        DAYS.values(text).map(Self::OfMonth)
    }

    fn of_week(text: &str) -> Result<Self, String> {
        if let Some((day, number)) = text.split_once('#') {
            let day = small(WEEKDAYS.value(day)?)?;
            let number = number.parse().ok().filter(|number| (1..=5).contains(number));
            let number = number.ok_or_else(|| {
                "day-of-week: behind the one # stands a number from 1 to 5".to_owned()
            })?;
            return Ok(Self::NthWeekday(day, number));
        }
        match text.strip_suffix('L') {
            // The last day of the week.
            Some("") => Ok(Self::OfWeek(BTreeSet::from([WEEKDAYS.last]))),
            Some(day) => Ok(Self::LastWeekday(small(WEEKDAYS.value(day)?)?)),
            None => WEEKDAYS.values(text).map(Self::OfWeek),
        }
    }

    fn has(&self, date: Date) -> bool {
        let day = date.day();
        let length = date.month().length(date.year());
        let weekday = date.weekday().number_from_sunday();
        match self {
            Self::OfMonth(days) => days.contains(&u16::from(day)),
            Self::LastOfMonth => day == length,
            Self::NearestWorkday(wanted) => {
                let wanted = date.replace_day(*wanted);
                wanted.is_ok_and(|wanted| nearest_workday(wanted, length) == day)
            }
            Self::OfWeek(days) => days.contains(&u16::from(weekday)),
            Self::LastWeekday(wanted) => weekday == *wanted && day + 7 > length,
            Self::NthWeekday(wanted, number) => weekday == *wanted && day.div_ceil(7) == *number,
        }
    }
}

/// Which day that is, in a month with so many days.
fn nearest_workday(date: Date, length: u8) -> u8 {
    let day = date.day();
    match date.weekday() {
        time::Weekday::Saturday if day == 1 => 3,
        time::Weekday::Saturday => day - 1,
        time::Weekday::Sunday if day == length => day - 2,
        time::Weekday::Sunday => day + 1,
        _ => day,
    }
}

/// Days of months and weeks are small.
fn small(value: u16) -> Result<u8, String> {
    u8::try_from(value).map_err(|error| error.to_string())
}
