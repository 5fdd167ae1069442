//! One field of a cron expression: which values it has.

use std::collections::BTreeSet;

/// A field's name, its values, and the names of those values if they have any.
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) first: u16,
    pub(super) last: u16,
    /// From the first value on.
    pub(super) names: &'static [&'static str],
    pub(super) steps: bool,
    /// Whether the first value follows the last.
    pub(super) circular: bool,
}

pub(super) const MINUTES: Field = numbers("minutes", 0, 59);
pub(super) const HOURS: Field = numbers("hours", 0, 23);
pub(super) const DAYS: Field = numbers("day-of-month", 1, 31);
pub(super) const MONTHS: Field = Field {
    names: &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
    ..numbers("month", 1, 12)
};
/// EventBridge has no steps here.
pub(super) const WEEKDAYS: Field = Field {
    names: &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
    steps: false,
    ..numbers("day-of-week", 1, 7)
};
pub(super) const YEARS: Field = Field { circular: false, ..numbers("year", 1970, 2199) };

const fn numbers(name: &'static str, first: u16, last: u16) -> Field {
    Field { name, first, last, names: &[], steps: true, circular: true }
}

impl Field {
    /// Reads `*`, values, ranges and steps, and lists of them.
    pub(super) fn values(&self, text: &str) -> Result<BTreeSet<u16>, String> {
        let mut values = BTreeSet::new();
        for item in text.split(',') {
            values.extend(self.item(item)?);
        }
        Ok(values)
    }

    fn item(&self, text: &str) -> Result<impl Iterator<Item = u16> + use<>, String> {
        let (range, step) = match text.split_once('/') {
            Some((range, step)) => (range, Some(self.step(step)?)),
            None => (text, None),
        };
        let (from, to) = match range.split_once('-') {
            Some((from, to)) => (self.value(from)?, self.value(to)?),
            None if range == "*" => (self.first, self.last),
            None => {
                let value = self.value(range)?;
                // `5/10` goes on from 5.
                (value, if step.is_some() { self.last } else { value })
            }
        };
        if from > to && !self.circular {
            return Err(format!("{}: the range {range} ends before it begins", self.name));
        }
        // `22-2` goes on past midnight.
        let (first, size) = (self.first, self.last - self.first + 1);
        let length = (to + size - from) % size;
        let values = (0..=length).step_by(step.unwrap_or(1));
        Ok(values.map(move |steps| first + (from - first + steps) % size))
    }

    /// A number, or a name.
    pub(super) fn value(&self, text: &str) -> Result<u16, String> {
        let named =
            self.names.iter().zip(self.first..).find(|(name, _)| text.eq_ignore_ascii_case(name));
        let value = named.map(|(_, value)| value).or_else(|| number(text));
        value.filter(|value| (self.first..=self.last).contains(value)).ok_or_else(|| {
            let (name, first, last) = (self.name, self.first, self.last);
            format!("{name}: `{text}` is no value from {first} to {last}")
        })
    }

    fn step(&self, text: &str) -> Result<usize, String> {
        if !self.steps {
            return Err(format!("{}: there are no steps", self.name));
        }
        let step = number(text).filter(|step| (1..=self.last).contains(step));
        step.map(usize::from)
            .ok_or_else(|| format!("{}: `{text}` is no step from 1 to {}", self.name, self.last))
    }
}

/// Digits only: `parse` would take a sign.
fn number(text: &str) -> Option<u16> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}
