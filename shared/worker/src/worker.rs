//! The trait that a worker implements.

use std::time::Duration;

use clock::Clock;
use config::Deps;
use db::DbError;

use crate::message::Event;
use crate::spec::Spec;

/// One queue, served by one Lambda function.
pub trait Worker: Sized + Send + Sync + 'static {
    /// What is true of the worker before any event.
    const SPEC: Spec;
    /// What it may touch; decides the function's settings and rights.
    type Deps: Deps;

    /// Deals with an event; with all of a batch, if it takes them together.
    fn handle(
        cx: Cx<'_, Self>,
        events: &[Event],
    ) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// What a worker is given besides its events.
pub struct Cx<'a, W: Worker> {
    /// What it may touch.
    pub deps: &'a W::Deps,
    /// The time.
    pub clock: &'a Clock,
    /// What is left of the function's time, when the work begins.
    pub time_left: Duration,
}

/// Why an event was not dealt with. The words quote nothing that is private.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Another attempt may succeed.
    Retry(String),
    /// Another attempt may succeed after this time.
    RetryIn(Duration, String),
    /// Something is missing that no event can do without: it says nothing of these.
    Unavailable(String),
    /// No attempt will succeed.
    Never(String),
}

impl Failure {
    /// The words.
    pub fn words(&self) -> &str {
        match self {
            Self::Retry(why)
            | Self::RetryIn(_, why)
            | Self::Unavailable(why)
            | Self::Never(why) => why,
        }
    }
}

impl From<DbError> for Failure {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Unavailable(why) => Self::Unavailable(why),
            other => Self::Retry(other.to_string()),
        }
    }
}
