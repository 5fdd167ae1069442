//! A walk by cursor shows every task that was there throughout exactly once, whatever is created, changed,
//! deleted and given away meanwhile.

use std::collections::{BTreeMap, HashMap};

use domain::Role;
use futures_util::future::join_all;
use serde_json::{Value, json};
use testing::{Call, Caller, TestApp};
use tokio::join;
use uuid::Uuid;

use crate::support::{known, path_of, patiently, say};

const WATCHED: i32 = 5_000;
const RESTLESS: i32 = 600;

/// Tasks of some owners in turn, called by their kind: five at each point of time, and with every
/// priority and date. (Many are equal in what they are sorted by, so the id must decide.)
async fn give(app: &TestApp, owners: &[Uuid], kind: &str, count: i32) {
    let sql = "
        INSERT INTO app.tasks (id, user_id, title, status, priority, due_at, labels, version, last_op,
            created_at, updated_at)
        SELECT md5($2::text || n)::uuid, ($1::uuid[])[1 + n % cardinality($1)], $2, 'pending',
            (ARRAY['low', 'normal', 'high', 'urgent'])[1 + n % 4],
            CASE WHEN n % 3 > 0 THEN timestamptz '2026-01-01' + n % 100 * interval '1 hour' END,
            '{}', 1, md5($2::text || n)::uuid, t, t
        FROM generate_series(1, $3::int) AS n,
            LATERAL (SELECT timestamptz '2026-01-01' + n / 5 * interval '1 second' AS t) AS time";
    app.db.rows(sql, &[&owners, &kind, &count]).await;
    app.db
        .run(
            "INSERT INTO app.outbox (aggregate_id, aggregate_version, id, type, payload)
             SELECT id, 1, id, 'task.created', '{}' FROM app.tasks
             ON CONFLICT DO NOTHING;
             INSERT INTO app.user_state
             SELECT user_id, 1, count(*) FROM app.tasks GROUP BY user_id
             ON CONFLICT (user_id) DO UPDATE SET task_count = excluded.task_count;
             ANALYZE app.tasks",
        )
        .await;
}

/// The addresses of the tasks of a kind.
async fn addresses(app: &TestApp, kind: &str) -> Vec<String> {
    let sql = "SELECT '/v1/tasks/' || id FROM app.tasks WHERE title = $1 ORDER BY last_op";
    app.db.rows(sql, &[&kind]).await.iter().map(|row| row.get(0)).collect()
}

/// A page of 100, and where the next begins.
async fn page(
    caller: &Caller<'_>,
    query: &str,
    cursor: Option<String>,
) -> (Vec<Value>, Option<String>) {
    let cursor = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
    let path = format!("/v1/tasks?limit=100{query}{cursor}");
    let mut page = patiently(&caller.get(&path)).await.expect(200).json();
    let Value::Array(items) = page["items"].take() else { panic!("no items") };
    (items, page["next_cursor"].as_str().map(str::to_owned))
}

/// What is done while a page is read; each must succeed.
async fn disturb(calls: Vec<Call<'_>>) -> usize {
    let replies = join_all(calls.iter().map(patiently)).await;
    for reply in &replies {
        assert!((200..300).contains(&reply.status()), "{}: {}", reply.status(), reply.text());
    }
    replies.len()
}

/// Walks through a list while it is disturbed. Returns how often each task was shown, by its address,
/// and how many operations ran at the same time.
async fn walk<'a>(
    caller: &Caller<'_>,
    query: &str,
    mut calls: impl FnMut() -> Vec<Call<'a>>,
) -> (HashMap<String, usize>, usize) {
    let mut shown = HashMap::new();
    let (mut next, mut operations) = (None, 0);
    loop {
        let ((items, cursor), done) = join!(page(caller, query, next), disturb(calls()));
        for task in items {
            *shown.entry(path_of(&task)).or_default() += 1;
        }
        operations += done;
        next = cursor;
        if next.is_none() {
            return (shown, operations);
        }
    }
}

/// Those of the watched tasks that were not shown exactly once.
fn not_once(watched: &[String], shown: &HashMap<String, usize>) -> BTreeMap<String, usize> {
    let times = |task: &String| shown.get(task).copied().unwrap_or_default();
    watched.iter().map(|task| (task.clone(), times(task))).filter(|(_, n)| *n != 1).collect()
}

/// X17. The watched tasks are changed, too, but in nothing that the list is sorted by.
#[tokio::test]
async fn a_walk_shows_each_task_once_while_others_come_and_go() {
    let app = TestApp::start().await;
    let (alice, admin) = (app.caller(Role::User), app.caller(Role::Admin));
    give(&app, &[alice.id()], "watched", WATCHED).await;
    give(&app, &[alice.id()], "restless", RESTLESS).await;
    let watched = addresses(&app, "watched").await;
    let restless = addresses(&app, "restless").await;
    // They move across the walk, whatever it is sorted by.
    let moves = [
        json!({"priority": "urgent", "due_at": null}),
        json!({"priority": "low", "due_at": "2026-01-01T00:00:00Z"}),
        json!({"priority": "high", "due_at": "2026-01-05T00:00:00Z"}),
    ];
    let (mut step, mut operations) = (0, 0);
    for (query, quiet) in [
        ("", json!({"due_at": null, "priority": "low"})),
        ("&sort=created_at", json!({"due_at": "2026-01-02T00:00:00Z", "priority": "urgent"})),
        ("&sort=-priority", json!({"due_at": "2026-01-03T00:00:00Z"})),
        ("&sort=due_at", json!({"priority": "normal"})),
    ] {
        let (shown, done) = walk(&alice, query, || {
            step += 1;
            let renamed = json!({"title": format!("renamed {step}")});
            let calls = [
                alice.post("/v1/tasks", &json!({"title": "new", "due_at": "2026-01-02T12:00:00Z"})),
                alice.patch(&watched[step * 37 % watched.len()], &quiet),
                alice.patch(&watched[step * 91 % watched.len()], &renamed),
                alice.patch(&restless[2 * step + 1], &moves[step % 3]),
                admin.delete(&restless[2 * step]),
            ];
            calls
                .into_iter()
                .enumerate()
                .map(|(n, call)| call.key(&format!("{step}-{n}")))
                .collect()
        })
        .await;
        say(&format!("X17 {query:?}: {} tasks, {done} operations meanwhile", shown.len()));
        assert_eq!(not_once(&watched, &shown), BTreeMap::new(), "{query}");
        if !query.contains("priority") && !query.contains("due_at") {
            // When a task was created never changes: nothing at all is shown twice.
            assert!(shown.values().all(|times| *times == 1), "{query}");
        }
        operations += done;
    }
    assert!(operations >= 1_000, "only {operations} operations");
}

/// The same over everybody's tasks, which move from one owner to another: from partition to partition.
#[tokio::test]
async fn a_walk_shows_each_task_once_while_owners_change() {
    let app = TestApp::start().await;
    let (viewer, admin) = (app.caller(Role::Viewer), app.caller(Role::Admin));
    let owners: Vec<Uuid> = (0..8).map(|_| app.clock.new_id()).collect();
    for owner in &owners {
        known(&app, *owner).await;
    }
    give(&app, &owners, "watched", 3_000).await;
    let watched = addresses(&app, "watched").await;
    let mut step = 0;
    let (shown, operations) = walk(&viewer, "&scope=all", || {
        let calls = (0..6).map(|_| {
            step += 1;
            let (task, owner) = (&watched[step * 97 % watched.len()], owners[step % 8]);
            admin.patch(task, &json!({"user_id": owner})).key(&step.to_string())
        });
        calls.collect()
    })
    .await;
    let moved = app.db.count("SELECT count(*) FROM app.tasks WHERE version > 1", &[]).await;
    say(&format!("X17, owners: {} tasks, {operations} operations, {moved} moved", shown.len()));
    assert!(moved > 100, "only {moved} tasks changed hands");
    assert_eq!(not_once(&watched, &shown), BTreeMap::new());
    assert!(shown.values().all(|times| *times == 1));
}
