//! Does what it is told. See the README.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Map, Value, json};

#[expect(clippy::disallowed_methods, reason = "no route: not for `route::serve`")]
fn main() -> ExitCode {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return ExitCode::FAILURE;
    };
    if environment()["PROBE"] == "hang" {
        runtime.block_on(std::future::pending::<()>());
    }
    match runtime.block_on(lambda_runtime::run(service_fn(answer))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

async fn answer(call: LambdaEvent<Value>) -> Result<Value, Error> {
    let event = call.payload;
    if let Some(records) = event["Records"].as_array() {
        say(&event);
        return batch(records).await;
    }
    if event["requestContext"].is_object() {
        let orders = event["queryStringParameters"].clone();
        let said = obey(&orders, &event).await?;
        if orders["do"] == "raw" {
            return Ok(said);
        }
        let headers = json!({ "content-type": "application/json", "x-probe": "1" });
        return Ok(json!({ "statusCode": 200, "headers": headers, "body": said.to_string() }));
    }
    say(&event);
    obey(&event, &event).await
}

/// Each message by itself.
async fn batch(records: &[Value]) -> Result<Value, Error> {
    let mut failures = Vec::new();
    for record in records {
        let orders = serde_json::from_str(record["body"].as_str().unwrap_or_default());
        if obey(&orders.unwrap_or_default(), record).await.is_err() {
            failures.push(json!({ "itemIdentifier": record["messageId"] }));
        }
    }
    Ok(json!({ "batchItemFailures": failures }))
}

#[expect(clippy::panic, reason = "what it is for")]
async fn obey(orders: &Value, event: &Value) -> Result<Value, Error> {
    match orders["do"].as_str() {
        Some("panic") => panic!("as told"),
        Some("exit") => std::process::exit(3),
        Some("fail") => Err("as told".into()),
        Some("sleep") => {
            tokio::time::sleep(Duration::from_millis(milliseconds(&orders["ms"]))).await;
            Ok(event.clone())
        }
        Some("raw") => {
            let raw = orders["raw"].as_str().unwrap_or_default();
            Ok(serde_json::from_str(raw).unwrap_or_else(|_| raw.into()))
        }
        Some("env") => Ok(environment()),
        Some("pid") => Ok(std::process::id().into()),
        _ => Ok(event.clone()),
    }
}

/// A number, or a text of one.
fn milliseconds(value: &Value) -> u64 {
    value.as_u64().or_else(|| value.as_str()?.parse().ok()).unwrap_or_default()
}

#[expect(clippy::disallowed_methods, reason = "shows what it was given; it has no settings")]
fn environment() -> Value {
    std::env::vars().map(|(name, value)| (name, Value::from(value))).collect::<Map<_, _>>().into()
}

fn say(event: &Value) {
    let _ = writeln!(std::io::stdout(), "got {event}");
}
