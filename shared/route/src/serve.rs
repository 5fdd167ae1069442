//! The whole of a function's `main`.

use std::process::ExitCode;
use std::time::Duration;

use process::Handler;
use serde_json::Value;

use crate::app::App;
use crate::gateway::Answer;
use crate::pipeline;
use crate::route::Route;

/// Serves a route until the environment ends. What is wrong with the settings stops the start with
/// one line.
pub fn serve<R: Route>() -> ExitCode {
    process::serve(R::SPEC.name, App::<R>::prepare)
}

impl<R: Route> Handler for App<R> {
    type Answer = Answer;

    async fn warm_up(&self) {
        Self::warm_up(self).await;
    }

    /// Any payload is taken: what is no event is a request that makes no sense, and gets an answer.
    async fn answer(&self, event: Value, time_left: Duration) -> Result<Answer, String> {
        let event = serde_json::from_value(event).unwrap_or_default();
        // Boxed: a route's future is deep, and the compiler gives up on what is deeper.
        Ok(Box::pin(pipeline::answer(self, event, time_left)).await)
    }
}
