#![doc = include_str!("../README.md")]

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clock::Clock;
use config::{ConfigError, Env};
use lambda_runtime::{LambdaEvent, service_fn};
use serde::Serialize;
use serde_json::Value;

/// A function that is ready for events.
pub trait Handler: Send + Sync + 'static {
    /// What it answers.
    type Answer: Serialize + Send;

    /// Connects while the environment starts, as far as that is possible now.
    fn warm_up(&self) -> impl Future<Output = ()> + Send;

    /// Answers one event, with the time that is left for it. An error makes the invocation fail, in
    /// these words.
    fn answer(
        &self,
        event: Value,
        time_left: Duration,
    ) -> impl Future<Output = Result<Self::Answer, String>> + Send;
}

/// Serves a function until its environment ends.
pub fn serve<H: Handler>(
    name: &'static str,
    prepare: impl FnOnce(&Env, Clock) -> Result<Arc<H>, ConfigError>,
) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return stopped(name, &error.to_string()),
    };
    match runtime.block_on(run(prepare)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => stopped(name, &error.to_string()),
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that starts the runtime")]
async fn run<H: Handler>(
    prepare: impl FnOnce(&Env, Clock) -> Result<Arc<H>, ConfigError>,
) -> Result<(), lambda_runtime::Error> {
    let env = Env::load()?;
    if env.optional::<String>("AWS_LAMBDA_RUNTIME_API")?.is_none() {
        let why = "is missing: this is a Lambda function, which its runtime starts";
        return Err(ConfigError::new("AWS_LAMBDA_RUNTIME_API", why).into());
    }
    telemetry::start(&env)?;
    log_panics();
    let clock = Clock::system();
    let handler = prepare(&env, clock.clone())?;
    handler.warm_up().await;

    let service = service_fn(move |invocation: LambdaEvent<Value>| {
        let (handler, clock) = (Arc::clone(&handler), clock.clone());
        async move {
            let deadline = invocation.context.deadline();
            let time_left = deadline.duration_since(clock.now()).unwrap_or_default();
            let answer = handler.answer(invocation.payload, time_left).await;
            answer.map_err(lambda_runtime::Error::from)
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
