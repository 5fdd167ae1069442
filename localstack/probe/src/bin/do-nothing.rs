//! The function that does nothing: what the runtime itself costs.

use std::convert::Infallible;
use std::process::ExitCode;

use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::{Value, json};

#[expect(clippy::disallowed_methods, reason = "no route: not for `route::serve`")]
fn main() -> ExitCode {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return ExitCode::FAILURE;
    };
    let service =
        service_fn(async |_: LambdaEvent<Value>| Ok::<_, Infallible>(json!({ "statusCode": 204 })));
    match runtime.block_on(lambda_runtime::run_concurrent(service)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
