//! What is over by itself, and what is counted once more.

use serde_json::json;
use testing::TestApp;

use super::run;

#[tokio::test]
async fn exports_whose_files_are_gone_are_marked() {
    let app = TestApp::start().await;
    let insert = |status: &str, expires: &str| {
        format!(
            "INSERT INTO app.exports
                 (id, user_id, kind, format, scope, filter, status, requested_at, expires_at, request_id)
             VALUES (gen_random_uuid(), gen_random_uuid(), 'tasks', 'csv', 'owned', '{{}}', '{status}',
                 now(), {expires}, 'test')"
        )
    };
    for (status, expires) in [
        ("completed", "now() - interval '1 s'"),
        ("completed", "now() + interval '1 h'"),
        ("requested", "NULL"),
    ] {
        app.db.run(&insert(status, expires)).await;
    }
    assert_eq!(run(&app, "exports").await, json!({"job": "exports", "exports": 1, "more": false}));
    let expired =
        "SELECT count(*) FROM app.exports WHERE status = 'expired' AND expires_at < now()";
    assert_eq!(app.db.count(expired, &[]).await, 1);
    assert_eq!(app.db.count("SELECT count(*) FROM app.exports", &[]).await, 3);
    assert_eq!(run(&app, "exports").await["exports"], 0);
}

#[tokio::test]
async fn exports_that_nobody_works_on_any_more_have_failed() {
    let app = TestApp::start().await;
    let insert = |status: &str, asked: &str, leased: &str| {
        format!(
            "INSERT INTO app.exports
                 (id, user_id, kind, format, scope, filter, status, requested_at, leased_until, lease, request_id)
             VALUES (gen_random_uuid(), gen_random_uuid(), 'tasks', 'csv', 'owned', '{{}}', '{status}',
                 now() - interval '{asked}', {leased}, gen_random_uuid(), 'test')"
        )
    };
    for (status, asked, leased) in [
        ("requested", "6 days", "NULL"),
        ("running", "6 days", "now() - interval '1 s'"),
        // Somebody does.
        ("running", "6 days", "now() + interval '1 min'"),
        ("requested", "4 days", "NULL"),
    ] {
        app.db.run(&insert(status, asked, leased)).await;
    }
    assert_eq!(run(&app, "exports").await["exports"], 2);
    assert_eq!(run(&app, "exports").await["exports"], 0);
    let failed =
        "SELECT count(*) FROM app.exports AS e JOIN app.outbox AS o ON o.aggregate_id = e.id
        WHERE e.status = 'failed' AND e.error IS NOT NULL AND o.type = 'export.failed'";
    assert_eq!(app.db.count(failed, &[]).await, 2);
}

#[tokio::test]
async fn yesterday_is_counted_again_and_what_is_wrong_is_said() {
    let app = TestApp::start().await;
    let day = "SELECT to_char((now() AT TIME ZONE 'UTC')::date - 1, 'YYYY-MM-DD')";
    let day: String = app.db.rows(day, &[]).await[0].get(0);
    let answer = run(&app, "reconcile-stats").await;
    assert_eq!((&answer["found"]["day"], &answer["found"]["drifted"]), (&json!(day), &json!(0)));
    // Counted, and nobody knows of what.
    app.db
        .run(
            "INSERT INTO app.daily_stats (user_id, day, created)
             VALUES (gen_random_uuid(), (now() AT TIME ZONE 'UTC')::date - 1, 5)",
        )
        .await;
    let found = run(&app, "reconcile-stats").await["found"].clone();
    assert_eq!(
        (&found["drifted"], &found["drift"][0]["created"]),
        (&json!(1), &json!(-5)),
        "{found}"
    );
}
