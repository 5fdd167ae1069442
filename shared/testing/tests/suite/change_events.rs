//! Each change has one event, of the most specific kind, in its final form.

use domain::Role;
use domain::event::{Envelope, Kind};
use serde_json::{Value, json};
use testing::{Call, Caller, TestApp};
use uuid::Uuid;

use crate::support::{known, path_of};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const REQUEST: &str = "the-request";
const STORY: &str = "a story that stays here";

/// Sends a call under a known name, and returns the answer's body.
async fn send(call: Call<'_>) -> Value {
    let trace = format!("00-{TRACE}-00f067aa0ba902b7-01");
    let reply = call.header("x-request-id", REQUEST).header("traceparent", trace).send().await;
    assert!(reply.status() < 300, "{}", reply.text());
    if reply.text().is_empty() { Value::Null } else { reply.json() }
}

/// The events of a thing, in the order of its versions, each as it lies there.
async fn events_of(app: &TestApp, id: &Value) -> Vec<Value> {
    let sql = "SELECT payload FROM app.outbox
               WHERE aggregate_id::text = $1 ORDER BY aggregate_version";
    let rows = app.db.rows(sql, &[&id.as_str().expect("an id")]).await;
    rows.iter().map(|row| row.get(0)).collect()
}

/// The last event, if it is the one that follows after `before` others; what is the same in all events
/// is looked at here.
async fn event_after(app: &TestApp, before: usize, id: &Value, actor: Uuid) -> Envelope {
    let events = events_of(app, id).await;
    assert_eq!(events.len(), before + 1, "one event more: {events:?}");
    let payload = events.last().expect("an event").clone();
    let text = payload.to_string();
    assert!(!text.contains(STORY) && !text.contains('@'), "{text}");
    let event: Envelope = serde_json::from_value(payload.clone()).expect("an envelope");
    let sql = "SELECT id::text, type, aggregate_version FROM app.outbox
               WHERE aggregate_id::text = $1 ORDER BY aggregate_version DESC LIMIT 1";
    let row = &app.db.rows(sql, &[&id.as_str().expect("an id")]).await[0];
    assert_eq!(row.get::<_, String>(0), event.id.to_string());
    assert_eq!(row.get::<_, String>(1), event.event.name());
    assert_eq!(row.get::<_, i64>(2), event.version);
    assert_eq!(event.id.get_version_num(), 7);
    assert_eq!((event.schema, event.user_id), (1, Some(actor)));
    assert_eq!(event.request_id, REQUEST);
    let trace = event.traceparent.as_deref().expect("a trace");
    assert!(trace.starts_with(&format!("00-{TRACE}-")), "{trace}");
    event
}

/// That an event tells of a task as it is now.
fn tells_of(event: &Envelope, task: &Value) {
    assert_eq!(json!(event.task_id), task["id"]);
    assert_eq!(json!(event.version), task["version"]);
    assert_eq!(json!(event.at), task["updated_at"]);
    assert_eq!(json!(event.owner_id), task["user_id"]);
    assert_eq!(json!(event.assignee_id), task["assignee_id"]);
    assert_eq!(event.subject, None);
    let summary = json!({
        "title": task["title"], "status": task["status"], "priority": task["priority"],
        "due_at": task["due_at"],
    });
    assert_eq!(json!(event.task), summary);
}

/// One change, and what its event is to say.
struct Step {
    patch: Value,
    kind: Kind,
    changed: &'static [&'static str],
}

fn step(patch: Value, kind: Kind, changed: &'static [&'static str]) -> Step {
    Step { patch, kind, changed }
}

/// What `changes` must hold for a field that went from one task to another.
fn expected_change(field: &str, old: &Value, new: &Value) -> Value {
    let told = |task: &Value| match &task[field] {
        Value::String(text) if field == "description" => json!({"length": text.chars().count()}),
        other => other.clone(),
    };
    json!({"from": told(old), "to": told(new)})
}

/// Takes the steps on one task, and holds each to its event.
async fn take(app: &TestApp, caller: &Caller<'_>, task: &mut Value, steps: Vec<Step>) {
    for Step { patch, kind, changed } in steps {
        let before = events_of(app, &task["id"]).await.len();
        let new = send(caller.patch(&path_of(task), &patch)).await;
        assert_eq!(new["version"], json!(before + 1), "{patch}");
        let event = event_after(app, before, &task["id"], caller.id()).await;
        tells_of(&event, &new);
        assert_eq!(event.event, kind, "{patch}");
        assert_eq!(event.changed, changed, "{patch}");
        // When it was completed is said by `at`.
        let fields = changed.iter().filter(|field| **field != "completed_at");
        let changes: serde_json::Map<_, _> =
            fields.map(|field| ((*field).to_owned(), expected_change(field, task, &new))).collect();
        assert_eq!(json!(event.changes), Value::Object(changes), "{patch}");
        *task = new;
    }
}

#[tokio::test]
async fn a_change_has_one_event_of_the_most_specific_kind() {
    use Kind::{TaskAssigned, TaskCompleted, TaskStatusChanged, TaskUpdated};

    let app = TestApp::start().await;
    let (alice, bob) = (app.caller(Role::User), app.caller(Role::User));
    known(&app, bob.id()).await;
    let mut task = alice.create(&json!({"title": "x"})).await;
    let me = alice.id();
    let longer = format!("{STORY}, and an ä");
    let steps = vec![
        step(json!({"title": "y"}), TaskUpdated, &["title"]),
        step(json!({"description": STORY}), TaskUpdated, &["description"]),
        step(json!({"description": longer, "title": "z"}), TaskUpdated, &["title", "description"]),
        step(json!({"description": null}), TaskUpdated, &["description"]),
        step(
            json!({"priority": "urgent", "labels": ["a", "b"]}),
            TaskUpdated,
            &["priority", "labels"],
        ),
        step(json!({"labels": ["b", "a"]}), TaskUpdated, &["labels"]),
        step(json!({"due_at": "2026-12-01T00:00:00+01:00"}), TaskUpdated, &["due_at"]),
        step(json!({"due_at": null}), TaskUpdated, &["due_at"]),
        step(json!({"assignee_id": bob.id()}), TaskAssigned, &["assignee_id"]),
        step(json!({"assignee_id": me, "title": "w"}), TaskAssigned, &["title", "assignee_id"]),
        step(json!({"assignee_id": null}), TaskAssigned, &["assignee_id"]),
        step(json!({"status": "in-progress"}), TaskStatusChanged, &["status"]),
        // Assigned and completed: one event tells both.
        step(
            json!({"assignee_id": bob.id(), "status": "completed"}),
            TaskCompleted,
            &["status", "assignee_id", "completed_at"],
        ),
        step(json!({"title": "done"}), TaskUpdated, &["title"]),
        step(
            json!({"assignee_id": null, "status": "rejected"}),
            TaskStatusChanged,
            &["status", "assignee_id", "completed_at"],
        ),
        step(json!({"status": "completed"}), TaskCompleted, &["status", "completed_at"]),
        step(json!({"status": "pending"}), TaskStatusChanged, &["status", "completed_at"]),
        // What is named, but stays as it was, has not changed.
        step(
            json!({"title": "v", "status": "pending", "labels": ["b", "a"]}),
            TaskUpdated,
            &["title"],
        ),
    ];
    take(&app, &alice, &mut task, steps).await;

    // Owners change by an administrator's hand, who is the actor and neither owner nor assignee.
    let admin = app.caller(Role::Admin);
    let steps = vec![
        step(json!({"user_id": bob.id()}), TaskUpdated, &["user_id"]),
        step(
            json!({"user_id": me, "assignee_id": bob.id()}),
            TaskAssigned,
            &["assignee_id", "user_id"],
        ),
    ];
    take(&app, &admin, &mut task, steps).await;

    // The assignee says how it goes.
    let steps = vec![step(json!({"status": "rejected"}), TaskStatusChanged, &["status"])];
    take(&app, &bob, &mut task, steps).await;
}

#[tokio::test]
async fn a_replacement_has_the_event_of_what_it_changed() {
    let app = TestApp::start().await;
    let alice = app.caller(Role::User);
    let body = json!({"title": "x", "description": STORY, "labels": ["a"], "assignee_id": null});
    let old = alice.create(&body).await;
    let put = json!({"title": "x", "status": "completed", "priority": "low"});
    let new = send(alice.put(&path_of(&old), &put)).await;
    let event = event_after(&app, 1, &old["id"], alice.id()).await;
    tells_of(&event, &new);
    assert_eq!(event.event, Kind::TaskCompleted);
    let changed = ["description", "status", "priority", "labels", "completed_at"];
    assert_eq!(event.changed, changed);
    assert_eq!(event.changes.len(), 4);
    assert_eq!(json!(event.changes["description"]), expected_change("description", &old, &new));
}

#[tokio::test]
async fn what_changes_nothing_has_no_event_and_no_version() {
    let app = TestApp::start().await;
    let alice = app.caller(Role::User);
    let body = json!({
        "title": "x", "description": STORY, "status": "completed", "labels": ["a"],
        "due_at": "2026-12-01T00:00:00Z", "assignee_id": alice.id(),
    });
    known(&app, alice.id()).await;
    let task = alice.create(&body).await;
    let path = path_of(&task);
    for same in [
        json!({"title": " x "}),
        json!({"due_at": "2026-12-01T01:00:00.0001+01:00"}),
        json!({"status": "completed", "labels": ["a", "a"]}),
        json!({"assignee_id": alice.id(), "description": STORY}),
        json!({"user_id": alice.id()}),
    ] {
        let caller = if same["user_id"].is_null() { &alice } else { &app.caller(Role::Admin) };
        assert_eq!(send(caller.patch(&path, &same)).await, task, "{same}");
    }
    assert_eq!(send(alice.put(&path, &body)).await, task);
    assert_eq!(send(alice.patch(&path, &json!({"title": "x"})).key("k")).await, task);
    assert_eq!(events_of(&app, &task["id"]).await.len(), 1);
}

#[tokio::test]
async fn what_is_refused_or_repeated_has_no_event() {
    let app = TestApp::start().await;
    let (alice, bob, admin) =
        (app.caller(Role::User), app.caller(Role::User), app.caller(Role::Admin));
    known(&app, bob.id()).await;
    let task = alice.create(&json!({"title": "x", "assignee_id": bob.id()})).await;
    let path = path_of(&task);
    let title = json!({"title": "y"});
    let once = alice.patch(&path, &title).key("k");
    send(once.clone()).await;
    let ghost = app.clock.new_id();
    for (call, status) in [
        (once.clone(), 200),
        (alice.patch(&path, &json!({"title": "z"})).key("k"), 422),
        (alice.patch(&path, &json!({"title": "z"})).header("if-match", "\"1\""), 412),
        (alice.patch(&path, &json!({"assignee_id": ghost})), 422),
        (alice.patch(&path, &json!({"user_id": bob.id()})), 403),
        (bob.patch(&path, &title), 403),
        (app.caller(Role::User).patch(&path, &title), 404),
        (alice.delete(&path), 403),
        (admin.delete(&path).header("if-match", "\"1\""), 412),
        (admin.post(&format!("{path}/restore"), &json!({})), 409),
    ] {
        call.send().await.expect(status);
    }
    assert_eq!(events_of(&app, &task["id"]).await.len(), 2);
}

#[tokio::test]
async fn deletion_and_restoration_have_an_event_each() {
    let app = TestApp::start().await;
    let (alice, admin) = (app.caller(Role::User), app.caller(Role::Admin));
    let task = alice.create(&json!({"title": "x", "description": STORY})).await;
    let path = path_of(&task);

    send(admin.delete(&path).key("k")).await;
    let event = event_after(&app, 1, &task["id"], admin.id()).await;
    let deleted = send(admin.get(&format!("{path}?include_deleted=true"))).await;
    assert_eq!(deleted["deleted_at"], deleted["updated_at"]);
    tells_of(&event, &deleted);
    assert_eq!((event.event, event.changed), (Kind::TaskDeleted, vec!["deleted_at".to_owned()]));
    assert!(event.changes.is_empty());
    // Once more, by the same key: nothing happens.
    send(admin.delete(&path).key("k")).await;

    let restored = send(admin.post(&format!("{path}/restore"), &json!({}))).await;
    let event = event_after(&app, 2, &task["id"], admin.id()).await;
    tells_of(&event, &restored);
    assert_eq!((event.event, event.changed), (Kind::TaskRestored, vec!["deleted_at".to_owned()]));
    assert!(event.changes.is_empty());
}
