//! Statistics: how many tasks there are, and what happened to them on which day.

use serde::{Deserialize, Serialize};

use crate::input::Fault;
use crate::listing::Scope;
use crate::{Day, Timestamp};

/// How many days can be asked for at most: a leap year.
const MOST_DAYS: u32 = 366;
/// How many days before the last one are shown, if nobody says.
const USUAL_DAYS_BEFORE: u16 = 29;

/// Statistics as the API shows them. The order of the fields is the order in the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// How many tasks there are, by their status.
    pub by_status: ByStatus,
    /// How many are open, and should have been done.
    pub overdue: i64,
    /// How many are open, and should be done within the next seven days.
    pub due_next_7_days: i64,
    /// What happened, day by day, without a gap.
    pub daily: Vec<Daily>,
    /// How things stood when: the newest event in what was counted, or when it was looked up.
    pub as_of: Timestamp,
}

/// How many tasks are in each status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "they are what they are called")]
pub struct ByStatus {
    pub pending: i64,
    pub in_progress: i64,
    pub completed: i64,
    pub rejected: i64,
}

/// What happened on a day: how often a task was created, completed, deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "they are what they are called")]
pub struct Daily {
    pub date: Day,
    pub created: i64,
    pub completed: i64,
    pub deleted: i64,
}

/// Reads whose tasks are counted: statistics are of what one owns, or of everybody.
pub fn scope(text: &str) -> Result<Scope, Fault> {
    let scope = Scope::named(text).filter(|scope| *scope != Scope::Assigned);
    scope.ok_or_else(|| Fault::new("invalid_value", "must be one of owned, all"))
}

/// Some days, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// The first.
    pub from: Day,
    /// The last.
    pub to: Day,
}

impl Period {
    /// The days that are asked for; up to today, if nobody says until when. The fault is that of `from`.
    pub fn asked(from: Option<Day>, to: Option<Day>, today: Day) -> Result<Self, Fault> {
        let to = to.unwrap_or(today);
        let from = from.unwrap_or_else(|| to.back(USUAL_DAYS_BEFORE));
        match from.days_to(to) {
            None => {
                Err(Fault::new("out_of_range", "must not be after to, which is today by default"))
            }
            Some(days) if days > MOST_DAYS => {
                let words = format!("must be at most {MOST_DAYS} days before to, both counted");
                Err(Fault::new("out_of_range", words))
            }
            Some(_) => Ok(Self { from, to }),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    /// The days that are asked for, on the first of March 2026; nothing if they are refused.
    fn asked(from: Option<&str>, to: Option<&str>) -> String {
        let period = Period::asked(from.map(day), to.map(day), day("2026-03-01"));
        period.map(|period| format!("{}/{}", period.from, period.to)).unwrap_or_default()
    }

    #[test]
    fn a_period_is_the_last_thirty_days_if_nobody_says() {
        assert_eq!(asked(None, None), "2026-01-31/2026-03-01");
        assert_eq!(asked(Some("2026-02-27"), None), "2026-02-27/2026-03-01");
        assert_eq!(asked(None, Some("2020-01-30")), "2020-01-01/2020-01-30");
        assert_eq!(asked(Some("2026-03-01"), None), "2026-03-01/2026-03-01");
    }

    #[test]
    fn a_period_has_an_order_and_a_longest_length() {
        assert_eq!(asked(Some("2024-01-01"), Some("2024-12-31")), "2024-01-01/2024-12-31");
        assert_eq!(asked(Some("2023-12-31"), Some("2024-12-31")), "");
        assert_eq!(asked(Some("2026-03-02"), None), "");
        assert_eq!(asked(Some("2026-02-02"), Some("2026-02-01")), "");
        assert_eq!(asked(Some("1900-01-01"), None), "");
    }

    #[test]
    fn nobody_counts_what_is_assigned() {
        assert_eq!((scope("owned"), scope("all")), (Ok(Scope::Owned), Ok(Scope::All)));
        for text in ["assigned", "", "All"] {
            let error = scope(text).unwrap_err().of_parameter("scope");
            assert_eq!(error.detail, "must be one of owned, all", "{text}");
        }
    }

    #[test]
    fn they_are_written_as_they_were_read() {
        let json = json!({
            "by_status": {"pending": 1, "in_progress": 2, "completed": 3, "rejected": 4},
            "overdue": 5, "due_next_7_days": 6,
            "daily": [{"date": "2026-01-31", "created": 7, "completed": 8, "deleted": 9}],
            "as_of": "2026-01-31T09:30:00.000Z",
        });
        let stats: Stats = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(json!(stats), json);
    }
}
