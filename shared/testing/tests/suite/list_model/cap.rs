//! A total is counted to 10,000, and positions reach as deep; a cursor goes on beyond.

use domain::Role;
use serde_json::{Value, json};
use testing::{Caller, Setup, TestApp};
use uuid::Uuid;

/// Gives somebody tasks, each newer than the one before.
async fn give(app: &TestApp, owner: Uuid, numbers: std::ops::RangeInclusive<i32>) {
    let sql = "
        WITH made AS (
            INSERT INTO app.tasks (id, user_id, title, status, priority, labels, version, last_op,
                created_at, updated_at)
            SELECT md5(n::text)::uuid, $1, n::text, 'pending', 'low', '{}', 1, md5(n::text)::uuid, t, t
            FROM generate_series($2::int, $3::int) AS n,
                LATERAL (SELECT timestamptz '2026-01-01' + n * interval '1 second' AS t) AS time
            RETURNING id
        ), told AS (
            INSERT INTO app.outbox (aggregate_id, aggregate_version, id, type, payload)
            SELECT id, 1, id, 'task.created', '{}' FROM made
        )
        INSERT INTO app.user_state AS s SELECT $1, 1, count(*) FROM made
        ON CONFLICT (user_id) DO UPDATE SET task_count = s.task_count + excluded.task_count";
    app.db.rows(sql, &[&owner, numbers.start(), numbers.end()]).await;
}

async fn page(caller: &Caller<'_>, query: &str) -> Value {
    caller.get(&format!("/v1/tasks?{query}")).send().await.expect(200).json()
}

fn titles(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().expect("items").iter();
    items.map(|task| task["title"].as_str().expect("a title")).collect()
}

/// Total and whether it was capped, of the same tasks asked for in several ways.
async fn totals(alice: &Caller<'_>, viewer: &Caller<'_>) -> Vec<(Value, Value)> {
    let mine = format!("user_id={}", alice.id());
    let mut totals = Vec::new();
    for (caller, query) in [
        (alice, ""),
        (alice, "status=pending"),
        (alice, "skip=0"),
        (viewer, "scope=all"),
        (viewer, mine.as_str()),
    ] {
        let page = page(caller, query).await;
        totals.push((page["total"].clone(), page["total_capped"].clone()));
    }
    totals
}

#[tokio::test]
async fn totals_and_positions_end_at_ten_thousand_and_cursors_do_not() {
    let app = TestApp::uncached(Setup::default()).await;
    let (alice, viewer) = (app.caller(Role::User), app.caller(Role::Viewer));
    give(&app, alice.id(), 1..=9_999).await;
    assert_eq!(totals(&alice, &viewer).await, vec![(json!(9_999), Value::Null); 5]);
    give(&app, alice.id(), 10_000..=10_000).await;
    assert_eq!(totals(&alice, &viewer).await, vec![(json!(10_000), Value::Null); 5]);
    // All are shown, and none is left for what comes after.
    let end = page(&alice, "skip=10000&limit=5").await;
    assert_eq!((titles(&end), &end["next_cursor"]), (vec![], &Value::Null));

    give(&app, alice.id(), 10_001..=10_250).await;
    assert_eq!(totals(&alice, &viewer).await, vec![(json!(10_000), json!(true)); 5]);
    for query in ["skip=10000&limit=100", "page=101&page_size=100"] {
        let deepest = page(&alice, query).await;
        assert_eq!((titles(&deepest)[0], titles(&deepest)[99]), ("250", "151"), "{query}");
    }
    for query in ["skip=10001", "page=102&page_size=100", "skip=4294967295", "page=4294967295"] {
        let reply = alice.get(&format!("/v1/tasks?{query}")).send().await;
        let detail = reply.expect_problem("page-too-deep").json()["detail"].clone();
        assert!(detail.as_str().is_some_and(|text| text.contains("next_cursor")), "{detail}");
    }

    let mut shown = Vec::new();
    let mut next = page(&alice, "page=101&page_size=100").await["next_cursor"].clone();
    while let Some(cursor) = next.as_str() {
        let page = page(&alice, &format!("cursor={cursor}&limit=60")).await;
        shown.extend(titles(&page).into_iter().map(str::to_owned));
        next = page["next_cursor"].clone();
    }
    let rest: Vec<String> = (1..=150).rev().map(|n| n.to_string()).collect();
    assert_eq!(shown, rest);
}
