//! When something runs.

use std::time::SystemTime;

use super::cron::Cron;
use super::rate::Rate;

/// `rate(…)` or `cron(…)`. All times are UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Rate(Rate),
    Cron(Cron),
}

/// An expression that EventBridge would not take.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{expression}` is no schedule: {why}")]
pub struct Error {
    expression: String,
    why: String,
}

impl Schedule {
    /// Reads an expression, as strictly as EventBridge.
    pub fn parse(expression: &str) -> Result<Self, Error> {
        let inside = |kind: &str| expression.strip_prefix(kind)?.strip_suffix(')');
        let read = if let Some(rate) = inside("rate(") {
            Rate::parse(rate).map(Kind::Rate)
        } else if let Some(cron) = inside("cron(") {
            Cron::parse(cron).map(Kind::Cron)
        } else {
            Err("it is `rate(…)` or `cron(…)`".to_owned())
        };
        read.map(Self).map_err(|why| Error { expression: expression.to_owned(), why })
    }

    /// The first time after this one. A rate counts from the time that is given. None if that was
    /// the last time.
    pub fn next(&self, after: SystemTime) -> Option<SystemTime> {
        match &self.0 {
            Kind::Rate(rate) => after.checked_add(rate.interval()),
            Kind::Cron(cron) => cron.next(after),
        }
    }
}
