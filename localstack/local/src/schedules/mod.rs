//! Runs functions at the times that the template says, as EventBridge does.

mod cron;
mod event;
mod field;
mod rate;
mod runner;
mod schedule;
#[cfg(test)]
mod tests;

pub use event::event;
pub use runner::{Schedules, start};
pub use schedule::{Error, Schedule};
