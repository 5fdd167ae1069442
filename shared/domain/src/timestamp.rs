//! Points in time as the API writes them.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{OffsetDateTime, UtcOffset};

/// A point in time: UTC, with milliseconds. Written `2026-01-31T09:30:00.000Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(OffsetDateTime);

impl Timestamp {
    /// Reads RFC 3339 with time and offset. Parts of a millisecond are dropped.
    ///
    /// `None` for anything else, and for years that no calendar in use shows (before 1900,
    /// after 9999): they would not survive the way to the database and back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::new(OffsetDateTime::parse(text, &Rfc3339).ok()?)
    }

    /// `None` for a year outside 1900 to 9999.
    pub fn new(time: OffsetDateTime) -> Option<Self> {
        let utc = time.checked_to_offset(UtcOffset::UTC)?;
        let utc = utc.replace_millisecond(utc.millisecond()).ok()?;
        (1900..=9999).contains(&utc.year()).then_some(Self(utc))
    }

    /// The same point, as the database driver takes it.
    pub const fn to_offset_date_time(self) -> OffsetDateTime {
        self.0
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let format = format_description!(
            "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z"
        );
        f.write_str(&self.0.format(format).map_err(|_| fmt::Error)?)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("not an RFC 3339 timestamp"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> Option<String> {
        Timestamp::parse(text).map(|t| t.to_string())
    }

    #[test]
    fn it_is_written_in_utc_with_milliseconds() {
        assert_eq!(written("2026-01-31T09:30:00Z").unwrap(), "2026-01-31T09:30:00.000Z");
        assert_eq!(written("2026-01-31T09:30:00.98765+02:00").unwrap(), "2026-01-31T07:30:00.987Z");
    }

    #[test]
    fn what_has_no_time_or_no_offset_is_refused() {
        for text in ["", "2026-01-31", "2026-01-31T09:30:00", "2026-02-30T09:30:00Z", "tomorrow"] {
            assert_eq!(written(text), None, "{text}");
        }
    }

    #[test]
    fn years_that_do_not_survive_are_refused() {
        for text in ["0000-01-01T00:00:00Z", "1899-12-31T23:59:59Z", "9999-12-31T23:59:59-23:59"] {
            assert_eq!(written(text), None, "{text}");
        }
        assert!(written("9999-12-31T23:59:59Z").is_some());
    }
}
