//! Plays Lambda: processes of functions, and the Runtime API through which they get their events.

mod desk;
mod function;
mod logs;
mod process;
mod runtime_api;
mod watch;

use std::time::Duration;

pub use function::{Function, Pending, Settings};
pub use logs::{Logs, Stream};
pub use process::command;

/// Which of a function's processes.
pub type Seat = u64;

/// Why a call has no answer of its function.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The function answered that it failed.
    #[error("the function failed: {0}")]
    Function(String),
    /// It was killed.
    #[error("timed out after {} s, and the process was killed", .0.as_secs_f32())]
    TimedOut(Duration),
    /// The process ended while it was at it.
    #[error("the process ended while it was at work ({0})")]
    Ended(String),
    /// No process of it comes up.
    #[error("the function does not start: {0}")]
    DoesNotStart(String),
    /// The event is larger than Lambda takes.
    #[error("the event has {0} bytes, and Lambda takes 6 MB")]
    TooLarge(usize),
    /// The answer is larger than Lambda takes.
    #[error("the answer is larger than 6 MB")]
    AnswerTooLarge,
    /// The runner stops.
    #[error("the local cloud stops")]
    Stopped,
}

/// The largest event and the largest answer of a call that is waited for.
pub(crate) const PAYLOAD_LIMIT: usize = 6 * 1024 * 1024;
