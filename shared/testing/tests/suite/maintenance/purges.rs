//! What is old goes, with the events that follow from it, and nothing else does.

use domain::Role;
use domain::event::{Envelope, Kind};
use futures_util::future::join_all;
use serde_json::json;
use testing::{TestApp, rig};
use uuid::Uuid;

use super::run;
use crate::support::{events_of, everything, id_of, path_of};

/// A task that was put into the trash so long ago. Returns its id.
async fn trashed(app: &TestApp, ago: &str) -> Uuid {
    let task = app.caller(Role::User).create(&json!({"title": "x", "priority": "high"})).await;
    app.caller(Role::Admin).delete(&path_of(&task)).send().await.expect(204);
    let sql = format!("UPDATE app.tasks SET deleted_at = now() - interval '{ago}' WHERE id = $1");
    app.db.rows(&sql, &[&id_of(&task)]).await;
    id_of(&task)
}

/// So many tasks of one person, in the trash for long enough.
pub(super) async fn trash(app: &TestApp, tasks: i32) {
    let sql = "INSERT INTO app.tasks
        SELECT gen_random_uuid(), '0197a1b2-0000-7000-8000-000000000001', 'x', NULL, 'pending', 'normal',
            NULL, '{}', NULL, 2, gen_random_uuid(), now(), now(), NULL, now() - interval '31 days'
        FROM generate_series(1, $1)";
    app.db.rows(sql, &[&tasks]).await;
}

async fn is_there(app: &TestApp, task: Uuid) -> bool {
    app.db.count("SELECT count(*) FROM app.tasks WHERE id = $1", &[&task]).await == 1
}

#[tokio::test]
async fn a_task_that_was_in_the_trash_for_long_is_gone_and_has_a_last_event() {
    let app = TestApp::start().await;
    let old = trashed(&app, "30 days 1 minute").await;
    let young = trashed(&app, "29 days 23 hours").await;
    let live = app.caller(Role::User).create(&json!({"title": "x"})).await;
    let counters = "SELECT to_jsonb(s)::text FROM app.user_state AS s ORDER BY user_id";
    let counters = async || {
        let rows = app.db.rows(counters, &[]).await;
        rows.iter().map(|row| row.get(0)).collect::<Vec<String>>()
    };
    let before = counters().await;
    assert_eq!(
        run(&app, "purge-deleted").await,
        json!({"job": "purge-deleted", "tasks": 1, "more": false})
    );
    assert!(!is_there(&app, old).await);
    assert!(is_there(&app, young).await && is_there(&app, id_of(&live)).await);
    // They counted it out when it was deleted.
    assert_eq!(counters().await, before);

    let events = events_of(&app, old).await;
    let [.., deleted, purged] = &events[..] else { panic!("{events:?}") };
    assert_eq!((purged.event, purged.version), (Kind::TaskPurged, deleted.version + 1));
    assert_eq!((purged.task_id, purged.user_id), (Some(old), None));
    assert_eq!(purged.owner_id, deleted.owner_id);
    assert!(purged.at >= deleted.at && purged.id.get_version_num() == 7 && purged.id > deleted.id);
    assert!(purged.changed.is_empty() && !purged.request_id.is_empty());

    let before = everything(&app).await;
    assert_eq!(run(&app, "purge-deleted").await["tasks"], 0);
    assert_eq!(everything(&app).await, before);
}

#[tokio::test]
async fn many_go_in_batches_each_with_an_event_of_its_own() {
    let mut app = TestApp::start().await;
    app.db.outlaw(); // These tasks have no other events.
    trash(&app, 1203).await;
    assert_eq!(
        run(&app, "purge-deleted").await,
        json!({"job": "purge-deleted", "tasks": 1203, "more": false})
    );
    assert_eq!(app.db.count("SELECT count(*) FROM app.tasks", &[]).await, 0);
    let rows = app.db.rows("SELECT payload FROM app.outbox", &[]).await;
    let events: Vec<Envelope> =
        rows.iter().map(|row| serde_json::from_value(row.get(0)).unwrap()).collect();
    let (ids, tasks): (Vec<_>, Vec<_>) = events.iter().map(|e| (e.id, e.task_id)).unzip();
    for mut ids in [ids, tasks.into_iter().flatten().collect()] {
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 1203);
    }
}

/// Without leases: each batch by itself must not take what another one takes.
#[tokio::test]
async fn batches_at_the_same_time_take_each_task_once() {
    let mut app = TestApp::start().await;
    app.db.outlaw();
    trash(&app, 1000).await;
    let batches = (0..8).map(|_| async {
        let admin = rig().admin(app.db.name()).await;
        let row = admin.query_one("SELECT api.purge_tasks_v1(150, 'test')", &[]).await.unwrap();
        row.get::<_, i32>(0)
    });
    let taken: i32 = join_all(batches).await.into_iter().sum();
    let events = app.db.count("SELECT count(*) FROM app.outbox", &[]).await;
    let left = app.db.count("SELECT count(*) FROM app.tasks", &[]).await;
    assert_eq!((i64::from(taken), 1000 - left), (events, events));
}

#[tokio::test]
async fn two_runs_at_the_same_time_do_the_work_once() {
    let mut app = TestApp::start().await;
    app.db.outlaw();
    trash(&app, 700).await;
    let answers = join_all((0..4).map(|_| run(&app, "purge-deleted"))).await;
    let purged: u64 = answers.iter().filter_map(|answer| answer["tasks"].as_u64()).sum();
    assert_eq!(purged, 700, "{answers:?}");
    assert_eq!(app.db.count("SELECT count(*) FROM app.outbox", &[]).await, 700);
}

#[tokio::test]
async fn a_task_that_somebody_holds_is_left_for_the_next_time() {
    let app = TestApp::start().await;
    let (held, free) = (trashed(&app, "31 days").await, trashed(&app, "31 days").await);
    let mut holder = rig().admin(app.db.name()).await;
    let transaction = holder.transaction().await.unwrap();
    let lock = "SELECT FROM app.tasks WHERE id = $1 FOR NO KEY UPDATE";
    transaction.execute(lock, &[&held]).await.unwrap();
    assert_eq!(run(&app, "purge-deleted").await["tasks"], 1);
    assert!(is_there(&app, held).await && !is_there(&app, free).await);
    transaction.rollback().await.unwrap();
    assert_eq!(run(&app, "purge-deleted").await["tasks"], 1);
    assert!(!is_there(&app, held).await);
}

/// Somebody takes it out of the trash while the job is about to remove it: then it stays.
#[tokio::test]
async fn a_task_that_comes_back_meanwhile_stays() {
    let app = TestApp::start().await;
    let task = trashed(&app, "31 days").await;
    let restore = app.caller(Role::Admin);
    restore.post(&format!("/v1/tasks/{task}/restore"), &json!({})).send().await.expect(200);
    assert_eq!(run(&app, "purge-deleted").await["tasks"], 0);
    assert!(is_there(&app, task).await);
}

#[tokio::test]
async fn keys_and_revocations_go_when_they_are_over() {
    let app = TestApp::start().await;
    let alice = app.caller(Role::User);
    let create = alice.post("/v1/tasks", &json!({"title": "x"})).key("mine");
    create.send().await.expect(201);
    app.db
        .run(
            "INSERT INTO app.idempotency (user_id, key, fingerprint, op_id, status, response, expires_at)
             SELECT gen_random_uuid(), 'k', '\\x00', gen_random_uuid(), 200, '{}', now() - interval '1 s'
             FROM generate_series(1, 7000);
             INSERT INTO app.revocations (jti, session_id, not_before, expires_at)
             VALUES ('over', 's', now(), now() - interval '1 s'), ('not yet', 's', now(), now() + interval '1 h')",
        )
        .await;
    let answer = run(&app, "purge-idempotency").await;
    assert_eq!(
        answer,
        json!({"job": "purge-idempotency", "keys": 7000, "revocations": 1, "more": false})
    );
    let left = "SELECT count(*) FROM app.revocations WHERE jti = 'not yet'";
    assert_eq!(app.db.count(left, &[]).await, 1);
    // A key that still counts still replays.
    let replayed = create.send().await.expect(201);
    assert_eq!(replayed.header("idempotency-replayed"), Some("true"));
    assert_eq!(run(&app, "purge-idempotency").await["keys"], 0);
}
