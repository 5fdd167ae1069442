#![doc = include_str!("../README.md")]

mod error;
mod roles;
mod run;
mod settings;

use std::io::Write as _;
use std::process::ExitCode;

use clock::Clock;
use config::{Env, Secrets};
use lambda_runtime::{LambdaEvent, service_fn};

pub use error::Error;
pub use run::{Report, run};
pub use settings::Settings;

/// The whole of `main`: once as a program, or for each event as a Lambda function.
pub fn main() -> ExitCode {
    let outcome = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())
        .and_then(|runtime| runtime.block_on(start()));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            let _ = writeln!(std::io::stderr(), "migrate failed. {why}");
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "an event without a route: not for `route::serve`")]
async fn start() -> Result<(), String> {
    let env = Env::load().map_err(|error| error.to_string())?;
    telemetry::start(&env).map_err(|error| error.to_string())?;
    let settings = Settings::from_env(&env).map_err(|error| error.to_string())?;
    let secrets = Secrets::new(Clock::system());
    let as_lambda = env.optional::<String>("AWS_LAMBDA_RUNTIME_API").is_ok_and(|api| api.is_some());
    if as_lambda {
        let (settings, secrets) = (&settings, &secrets);
        let service = service_fn(move |_: LambdaEvent<serde_json::Value>| async move {
            run(settings, secrets).await.map_err(lambda_runtime::Error::from)
        });
        return lambda_runtime::run(service).await.map_err(|error| error.to_string());
    }
    let report = run(&settings, &secrets).await.map_err(|error| error.to_string())?;
    for name in &report.applied {
        tracing::info!(target: telemetry::TARGET, "applied {name}");
    }
    tracing::info!(target: telemetry::TARGET, "the database is at version {}", report.version);
    Ok(())
}
