//! `rate(…)`.

use std::time::Duration;

/// Again and again after the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rate(Duration);

impl Rate {
    /// Reads `5 minutes`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let &[value, unit] = words.as_slice() else {
            return Err("a rate is a number and a unit, `rate(5 minutes)`".to_owned());
        };
        let digits = value.bytes().all(|byte| byte.is_ascii_digit());
        let value = match value.parse::<u32>() {
            Ok(value) if digits && value > 0 => value,
            _ => return Err(format!("`{value}` is no whole number above 0")),
        };
        let (singular, minutes) = match unit {
            "minute" => (true, 1),
            "minutes" => (false, 1),
            "hour" => (true, 60),
            "hours" => (false, 60),
            "day" => (true, 24 * 60),
            "days" => (false, 24 * 60),
            _ => return Err(format!("`{unit}` is no unit: minutes, hours or days")),
        };
        match (value, singular) {
            (1, false) => Err(format!("1 goes with `{}`", unit.trim_end_matches('s'))),
            (2.., true) => Err(format!("{value} goes with `{unit}s`")),
            _ => Ok(Self(Duration::from_secs(60 * minutes * u64::from(value)))),
        }
    }

    pub(super) const fn interval(self) -> Duration {
        self.0
    }
}
