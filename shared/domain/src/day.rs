//! Days as the API writes them.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use time::format_description::BorrowedFormatItem;
use time::macros::{date, format_description};
use time::{Date, Duration};

use crate::input::Fault;

/// A day of the calendar, in UTC. Written `2026-01-31`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(Date);

const FORMAT: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");
/// The first of the years that timestamps can have.
const FIRST: Date = date!(1900 - 01 - 01);

impl Day {
    /// Reads year, month and day; years are those that timestamps can have.
    pub fn parse(text: &str) -> Option<Self> {
        // The format would take a sign, too.
        let plain = text.len() == 10 && text.as_bytes()[0].is_ascii_digit();
        let day = Date::parse(text, FORMAT).ok().filter(|_| plain)?;
        (day >= FIRST).then_some(Self(day))
    }

    /// Reads a parameter.
    pub fn parameter(text: &str) -> Result<Self, Fault> {
        Self::parse(text)
            .ok_or_else(|| Fault::new("invalid_date", "must be a date, such as 2026-01-31"))
    }

    /// That day.
    pub const fn of(day: Date) -> Self {
        Self(day)
    }

    /// The same day, as the database driver takes it.
    pub const fn to_date(self) -> Date {
        self.0
    }

    /// So many days earlier; the first of all days, if there are not so many.
    #[must_use]
    pub fn back(self, days: u16) -> Self {
        Self(self.0.saturating_sub(Duration::days(days.into())).max(FIRST))
    }

    /// How many days there are from this one to another, both counted; none if that comes before.
    pub fn days_to(self, last: Self) -> Option<u32> {
        u32::try_from((last.0 - self.0).whole_days() + 1).ok().filter(|days| *days > 0)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.format(FORMAT).map_err(|_| fmt::Error)?)
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("not a date"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    #[test]
    fn it_is_written_as_it_was_read() {
        for text in ["2026-01-31", "2024-02-29", "1900-01-01", "9999-12-31"] {
            assert_eq!(day(text).to_string(), text);
        }
        for text in [
            "",
            "2026-02-29",
            "2026-1-31",
            "26-01-31",
            "+2026-01-3",
            "-026-01-31",
            "2026-01-31T00",
            "1899-12-31",
            "0000-01-01",
            "20260131",
            "2026/01/31",
            "today",
        ] {
            assert_eq!(Day::parse(text), None, "{text}");
        }
    }

    #[test]
    fn days_are_counted_with_both_ends() {
        assert_eq!(day("2026-01-31").days_to(day("2026-01-31")), Some(1));
        assert_eq!(day("2026-01-31").days_to(day("2026-03-01")), Some(30));
        assert_eq!(day("2024-01-01").days_to(day("2024-12-31")), Some(366));
        assert_eq!(day("2026-01-31").days_to(day("2026-01-30")), None);
    }

    #[test]
    fn back_goes_over_months_and_ends_at_the_beginning() {
        assert_eq!(day("2026-03-01").back(29), day("2026-01-31"));
        assert_eq!(day("2026-03-01").back(0), day("2026-03-01"));
        assert_eq!(day("1900-01-03").back(2), day("1900-01-01"));
        assert_eq!(day("1900-01-03").back(3), day("1900-01-01"));
    }
}
