//! Every event is written down once, however often and in whatever company it comes.

use std::collections::BTreeSet;

use domain::Role;
use domain::event::{Envelope, Kind, Subject, SubjectKind};
use futures_util::future::join_all;
use serde_json::{Value, json};
use testing::{Random, TestApp};

use crate::support::{every_event, known, path_of, say};

const WORKER: &str = "audit-worker";

/// What the audit holds, oldest first, as far as envelopes have it.
async fn audit(app: &TestApp) -> Vec<Value> {
    let sql = "SELECT jsonb_build_object(
            'id', id, 'event', event, 'taskId', task_id, 'version', version, 'userId', actor_id,
            'ownerId', owner_id, 'status', status, 'at', app.wire_time(at), 'requestId', request_id,
            'traceparent', traceparent, 'changed', changed, 'changes', changes,
            'subject', CASE WHEN subject_id IS NOT NULL
                THEN jsonb_build_object('type', subject_type, 'id', subject_id) END
        ) FROM app.audit ORDER BY id";
    app.db.rows(sql, &[]).await.iter().map(|row| row.get(0)).collect()
}

/// What the audit is to hold of an event.
fn row_of(event: &Envelope) -> Value {
    let mut row = json!(event);
    let members = row.as_object_mut().expect("an object");
    members.remove("schema");
    members.remove("assigneeId");
    let task = members.remove("task").unwrap_or_default();
    members.insert("status".into(), task["status"].clone());
    members.entry("subject").or_insert(Value::Null);
    row
}

fn rows_of(events: &[Envelope]) -> Vec<Value> {
    let mut events: Vec<&Envelope> = events.iter().collect();
    events.sort_unstable_by_key(|event| event.id);
    events.into_iter().map(row_of).collect()
}

/// Events of every kind that requests have.
async fn many_kinds(app: &TestApp) -> Vec<Envelope> {
    let (alice, bob) = (app.caller(Role::User), app.caller(Role::User));
    let admin = app.caller(Role::Admin);
    known(app, bob.id()).await;
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let create = alice.post("/v1/tasks", &json!({"title": "x"})).header("traceparent", trace);
    let path = path_of(&create.send().await.expect(201).json());
    for change in [
        json!({"title": "y", "description": "long"}),
        json!({"status": "in_progress"}),
        json!({"assignee_id": bob.id()}),
        json!({"status": "completed", "labels": ["a"]}),
    ] {
        alice.patch(&path, &change).send().await.expect(200);
    }
    admin.delete(&path).send().await.expect(204);
    admin.call("POST", &format!("{path}/restore")).send().await.expect(200);
    let account = format!("/v1/users/{}", bob.id());
    for active in [false, true] {
        admin.patch(&account, &json!({"active": active})).send().await.expect(200);
    }
    let token = app.issuer.mint_logout(bob.person());
    let logout = app.anonymous().call("POST", "/oidc/backchannel-logout");
    logout.form(&[("logout_token", &token)]).send().await.expect(200);
    every_event(app).await
}

#[tokio::test]
async fn every_kind_of_event_becomes_its_row() {
    let app = TestApp::start().await;
    let mut events = many_kinds(&app).await;
    // Those that no request has.
    let like = events[0].clone();
    let subject = Some(Subject { kind: SubjectKind::Export, id: app.clock.new_id() });
    for event in [Kind::ExportRequested, Kind::ExportCompleted, Kind::ExportFailed] {
        let (id, task_id, task, owner_id) = (app.clock.new_id(), None, None, None);
        events.push(Envelope { event, id, task_id, task, owner_id, subject, ..like.clone() });
    }
    let (event, id) = (Kind::TaskPurged, app.clock.new_id());
    events.push(Envelope { event, id, user_id: None, version: 9, ..like });
    let kinds: BTreeSet<_> = events.iter().map(|event| event.event.name()).collect();
    assert_eq!(kinds, Kind::ALL.map(Kind::name).into(), "every kind is among them");

    assert!(app.work(WORKER, &events).await.is_empty());
    assert_eq!(audit(&app).await, rows_of(&events));
}

#[tokio::test]
async fn an_event_is_written_once_however_often_and_in_whatever_order_it_comes() {
    const SEED: u64 = 0xa0d1;
    say(&format!("audit_worker: seed {SEED:#x}"));
    let app = TestApp::start().await;
    for _ in 0..6 {
        many_kinds(&app).await;
    }
    let events = every_event(&app).await;
    let deliveries = (0..6).map(|worker| {
        let (app, mut mine) = (&app, events.clone());
        let mut random = Random::seeded(SEED + worker);
        // Some twice in the same batch.
        for _ in 0..events.len() / 3 {
            mine.push(events[random.index(events.len())].clone());
        }
        for place in (1..mine.len()).rev() {
            mine.swap(place, random.index(place + 1));
        }
        async move {
            let mut rest = &mine[..];
            while !rest.is_empty() {
                let (batch, after) = rest.split_at((1 + random.index(50)).min(rest.len()));
                assert!(app.work(WORKER, batch).await.is_empty());
                rest = after;
            }
        }
    });
    join_all(deliveries).await;
    assert_eq!(audit(&app).await, rows_of(&events));
}

#[tokio::test]
async fn what_cannot_be_written_harms_nothing_beside_it() {
    let app = TestApp::start().await;
    let events = many_kinds(&app).await;
    let [first, second, third, ..] = &events[..] else { panic!("three events") };
    let new = |event: &Envelope| Envelope { id: app.clock.new_id(), ..event.clone() };
    let no_version = Envelope { version: 0, ..new(first) };
    let no_text = Envelope { request_id: "secret\u{0}".into(), ..new(first) };
    let text = |event: &Envelope| serde_json::to_string(event).expect("JSON");
    let messages: Vec<(String, u32)> = vec![
        (text(first), 1),
        (text(&no_version), 1),
        ("{\"no\": \"event\"}".into(), 1),
        (text(second), 3),
        (text(&no_text), 10),
        (text(third), 1),
    ];
    // One comes again; one came for the last time, and one never was an event.
    assert_eq!(app.work_raw(WORKER, &messages).await, [1]);
    assert_eq!(audit(&app).await, rows_of(&events[..3]));
    let mut dead = app.take("task-audit-dlq").await;
    dead.extend(app.take("task-audit-dlq").await);
    let reasons: BTreeSet<_> = dead.iter().filter_map(|(_, reason)| reason.as_deref()).collect();
    assert_eq!(reasons.len(), 2, "{dead:?}");
    assert!(reasons.iter().any(|reason| reason.starts_with("unparsable")), "{reasons:?}");
    assert!(reasons.iter().any(|reason| reason.contains("work.write_audit")), "{reasons:?}");
    assert!(reasons.iter().all(|reason| !reason.contains("secret")), "{reasons:?}");
}

/// Nobody could read it: its partition was dropped. One that is ahead of all partitions waits for its own.
#[tokio::test]
async fn what_is_older_than_all_that_is_kept_is_done_with() {
    let app = TestApp::start().await;
    let events = many_kinds(&app).await;
    let [first, second, ..] = &events[..] else { panic!("two events") };
    let ancient = "01700000-0000-7000-8000-000000000001".parse().expect("an id");
    let ancient = Envelope { id: ancient, ..first.clone() };
    let batch = [first.clone(), ancient, second.clone()];
    assert!(app.work(WORKER, &batch).await.is_empty());
    assert_eq!(audit(&app).await, rows_of(&events[..2]));

    let future = "0f000000-0000-7000-8000-000000000001".parse().expect("an id");
    let batch = [Envelope { id: future, ..first.clone() }, events[2].clone()];
    assert_eq!(app.work(WORKER, &batch).await, [future]);
    assert_eq!(audit(&app).await, rows_of(&events[..3]));
}
