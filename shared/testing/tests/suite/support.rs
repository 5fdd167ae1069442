//! Small things that several tests need.

use std::collections::BTreeMap;

use domain::event::Envelope;
use serde_json::{Value, json};
use services::Folder;
use testing::{Call, Reply, TestApp, lines_of, rig};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

/// Tells the numbers of a run, for `make test ARGS="-p testing --test suite races -- --nocapture"`.
#[expect(clippy::print_stdout, reason = "the test runner keeps it")]
pub(crate) fn say(what: &str) {
    println!("{what}");
}

/// A folder of a test's own, in that of this run. No two tests have the same `name`.
pub(crate) fn own_folder(name: &str) -> Folder {
    let run = rig().state.ca_file.ancestors().nth(2).expect("the folder of the run");
    Folder::create(&run.join(name)).expect("a folder")
}

/// How many statements a request took.
pub(crate) fn statements(reply: &Reply) -> u64 {
    let id = reply.header("x-request-id").expect("an id");
    lines_of(id)[0]["db_round_trips"].as_u64().expect("a number")
}

/// The URL of a queue that does not exist.
pub(crate) fn no_queue() -> String {
    format!("{}/queue/us-east-1/000000000000/nowhere", rig().state.localstack.url)
}

/// The address of a task.
pub(crate) fn path_of(task: &Value) -> String {
    format!("/v1/tasks/{}", task["id"].as_str().expect("an id"))
}

/// The id of a task or a user.
pub(crate) fn id_of(thing: &Value) -> Uuid {
    thing["id"].as_str().and_then(|id| id.parse().ok()).expect("an id")
}

/// The events of a task or a user, oldest first.
pub(crate) async fn events_of(app: &TestApp, id: Uuid) -> Vec<Envelope> {
    let sql = "SELECT payload FROM app.outbox WHERE aggregate_id = $1 ORDER BY aggregate_version";
    let rows = app.db.rows(sql, &[&id]).await;
    let event = |row: &Row| serde_json::from_value(row.get(0)).expect("an envelope");
    rows.iter().map(event).collect()
}

/// Every event that was ever written, oldest first.
pub(crate) async fn every_event(app: &TestApp) -> Vec<Envelope> {
    let sql = "SELECT payload FROM app.outbox ORDER BY created_at, aggregate_version";
    let rows = app.db.rows(sql, &[]).await;
    rows.iter().map(|row| serde_json::from_value(row.get(0)).expect("an envelope")).collect()
}

/// Every row that a change leaves behind, but for the records of keys: what is equal before and after
/// a request was not touched by it. (Of users not what any request renews from its token.)
pub(crate) async fn everything(app: &TestApp) -> Vec<String> {
    let sql = "SELECT to_jsonb(t)::text FROM app.tasks AS t
        UNION ALL SELECT to_jsonb(o)::text FROM app.outbox AS o
        UNION ALL SELECT to_jsonb(e)::text FROM app.exports AS e
        UNION ALL SELECT to_jsonb(s)::text FROM app.user_state AS s
        UNION ALL SELECT (to_jsonb(u) - 'last_seen_at' - 'roles')::text FROM app.users AS u
        ORDER BY 1";
    app.db.rows(sql, &[]).await.iter().map(|row| row.get(0)).collect()
}

/// Somebody who may do everything, as the database knows callers.
const ROOT: &str = r#"{
    "id": "0197a1b2-0000-7000-8000-00000000000f", "issued_at": "2026-01-01T00:00:00Z",
    "username": "root", "roles": ["admin"],
    "permissions": ["tasks:read", "tasks:read:all", "tasks:write", "tasks:delete", "tasks:admin"]
}"#;

/// A task of anybody, also of somebody who could not create one. Returns its id.
pub(crate) async fn task_of(app: &TestApp, owner: Uuid) -> Uuid {
    let id = app.clock.new_id();
    let caller = json!({
        "id": owner, "issued_at": "2026-01-01T00:00:00Z", "username": "somebody", "roles": [],
        "permissions": [],
    });
    let fields = json!({
        "title": "a task", "description": null, "status": "pending", "priority": "normal",
        "due_at": null, "labels": [], "assignee_id": null,
    });
    let operation = operation(app, id);
    let sql = "SELECT api.create_task_v2($1, $2, $3)";
    done(&app.db.rows(sql, &[&caller, &operation, &fields]).await);
    id
}

/// The same, assigned to somebody.
pub(crate) async fn task_assigned_to(app: &TestApp, assignee: Uuid) -> Uuid {
    let id = task_of(app, app.clock.new_id()).await;
    known(app, assignee).await;
    let fields = json!({"assignee_id": assignee});
    change(app, "SELECT api.update_task_v1($1, $2, $3, $4, NULL)", id, &[&fields]).await;
    id
}

/// An export that somebody asked for. Returns its id.
pub(crate) async fn export_of(app: &TestApp, owner: Uuid) -> Uuid {
    let id = app.clock.new_id();
    let caller = json!({
        "id": owner, "issued_at": "2026-01-01T00:00:00Z", "username": "somebody", "roles": [],
        "permissions": [],
    });
    let fields = json!({"kind": "tasks", "format": "csv", "scope": "owned", "filter": {}});
    let sql = "SELECT api.create_export_v1($1, $2, $3)";
    done(&app.db.rows(sql, &[&caller, &operation(app, id), &fields]).await);
    id
}

/// Moves a task to the trash.
pub(crate) async fn delete(app: &TestApp, task: Uuid) {
    change(app, "SELECT api.delete_task_v1($1, $2, $3, NULL)", task, &[]).await;
}

async fn change(app: &TestApp, sql: &str, task: Uuid, rest: &[&(dyn ToSql + Sync)]) {
    let root: Value = serde_json::from_str(ROOT).expect("JSON");
    let operation = operation(app, app.clock.new_id());
    let mut parameters: Vec<&(dyn ToSql + Sync)> = vec![&root, &operation, &task];
    parameters.extend_from_slice(rest);
    done(&app.db.rows(sql, &parameters).await);
}

#[track_caller]
fn done(rows: &[Row]) {
    let answer: Value = rows[0].get(0);
    assert_eq!(answer["outcome"], "done", "{answer}");
}

fn operation(app: &TestApp, id: Uuid) -> Value {
    json!({"op": id, "event": app.clock.new_id(), "request_id": "test"})
}

/// Makes somebody known, as their first request does.
pub(crate) async fn known(app: &TestApp, user: Uuid) {
    let sql = "INSERT INTO app.users (id, username) VALUES ($1, 'somebody') ON CONFLICT DO NOTHING";
    app.db.rows(sql, &[&user]).await;
}

/// Sends a call, and sends it again when the answer asks for that: a client in a race, or on a slow
/// machine.
pub(crate) async fn patiently(call: &Call<'_>) -> Reply {
    const TRIES: usize = 8;
    let mut reply = call.send().await;
    for _ in 1..TRIES {
        if !matches!(
            reply.code().as_deref(),
            Some("idempotency-in-progress" | "database-unavailable")
        ) {
            break;
        }
        reply = call.send().await;
    }
    reply
}

/// What a client can compare of two answers: everything but the ids that each answer has of its own.
/// The answer to a HEAD has no body.
pub(crate) fn without_ids(reply: &Reply) -> Value {
    let mut body = if reply.text().is_empty() { Value::Null } else { reply.json() };
    if let Some(members) = body.as_object_mut() {
        members.retain(|name, _| !["request_id", "instance"].contains(&name.as_str()));
    }
    let headers: BTreeMap<_, _> =
        reply.headers().filter(|(name, _)| !["x-request-id", "ratelimit"].contains(name)).collect();
    json!({"status": reply.status(), "body": body, "headers": headers})
}
