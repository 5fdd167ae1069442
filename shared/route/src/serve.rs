//! The whole of a function's `main`.

use std::convert::Infallible;
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use clock::Clock;
use config::{ConfigError, Env};
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;

use crate::app::App;
use crate::pipeline;
use crate::route::Route;

/// Serves a route until the environment ends. What is wrong with the settings stops the start with
/// one line.
pub fn serve<R: Route>() -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return stopped(R::SPEC.name, &error.to_string()),
    };
    match runtime.block_on(run::<R>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => stopped(R::SPEC.name, &error.to_string()),
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that starts the runtime")]
async fn run<R: Route>() -> Result<(), lambda_runtime::Error> {
    let env = Env::load()?;
    if env.optional::<String>("AWS_LAMBDA_RUNTIME_API")?.is_none() {
        let why = "is missing: this is a Lambda function, which its runtime starts";
        return Err(ConfigError::new("AWS_LAMBDA_RUNTIME_API", why).into());
    }
    telemetry::start(&env)?;
    log_panics();
    let clock = Clock::system();
    let app = App::<R>::prepare(&env, clock.clone())?;
    app.warm_up().await;

    // Any payload is taken: what is no event is a request that makes no sense, and gets an answer.
    let service = service_fn(move |invocation: LambdaEvent<Value>| {
        let (app, clock) = (Arc::clone(&app), clock.clone());
        async move {
            let event = serde_json::from_value(invocation.payload).unwrap_or_default();
            let deadline = invocation.context.deadline();
            let time_left = deadline.duration_since(clock.now()).unwrap_or_default();
            Ok::<_, Infallible>(pipeline::answer(&app, event, time_left).await)
        }
    });
    lambda_runtime::run_concurrent(service).await
}

/// A panic is logged by its place. Its words may quote what was handled, so they are not.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(target: telemetry::TARGET, place, "panicked");
    }));
}

fn stopped(function: &str, why: &str) -> ExitCode {
    // The log may not have been started, so this line goes out by itself.
    let _ = writeln!(std::io::stderr(), "{function} did not start. {why}");
    ExitCode::FAILURE
}
