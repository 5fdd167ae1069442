//! Exports: what is in the file, who gets it, and what happens if the work is disturbed.

mod contents;
mod disturbed;
mod large;
mod uploads;

use domain::event::{Envelope, Kind};
use serde_json::Value;
use testing::{Caller, Fetched, TestApp, fetch};
use uuid::Uuid;

use crate::support::{events_of, id_of};

const WORKER: &str = "exports-worker";

/// No event is to come again.
const DONE: [Uuid; 0] = [];

/// Asks for an export.
async fn ask(caller: &Caller<'_>, body: &Value) -> Value {
    caller.post("/v1/exports", body).send().await.expect(202).json()
}

/// The event that asks for it.
async fn request_of(app: &TestApp, export: &Value) -> Envelope {
    let event = events_of(app, id_of(export)).await.into_iter().next().expect("an event");
    assert_eq!(event.event, Kind::ExportRequested);
    event
}

/// Has the worker make it.
async fn make(app: &TestApp, export: &Value) {
    let again = app.work(WORKER, &[request_of(app, export).await]).await;
    assert_eq!(again, DONE);
}

/// The export as it is now.
async fn now(caller: &Caller<'_>, export: &Value) -> Value {
    let path = format!("/v1/exports/{}", export["id"].as_str().expect("an id"));
    caller.get(&path).send().await.expect(200).json()
}

/// The file of an export that is completed.
async fn file(caller: &Caller<'_>, export: &Value) -> Fetched {
    let export = now(caller, export).await;
    assert_eq!(export["status"], "completed", "{export}");
    let fetched = fetch(export["download_url"].as_str().expect("an address")).await;
    assert_eq!(fetched.status, 200);
    assert_eq!(export["bytes"], fetched.bytes.len());
    fetched
}

/// Asks for an export, has it made, and fetches the file.
async fn text(caller: &Caller<'_>, body: &Value) -> String {
    let export = ask(caller, body).await;
    make(caller.app(), &export).await;
    String::from_utf8(file(caller, &export).await.bytes).expect("UTF-8")
}

/// Which events an export has, in their order.
async fn kinds(app: &TestApp, export: &Value) -> Vec<Kind> {
    events_of(app, id_of(export)).await.into_iter().map(|event| event.event).collect()
}
