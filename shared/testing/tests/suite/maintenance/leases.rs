//! One run at a time.

use serde_json::json;
use testing::TestApp;

use super::run;

#[tokio::test]
async fn a_job_that_somebody_is_at_is_skipped_until_the_lease_ends() {
    let app = TestApp::start().await;
    app.db
        .run(
            "INSERT INTO app.jobs (name, run, lease_until, started_at)
             VALUES ('purge-deleted', 'another', now() + interval '1 hour', now())",
        )
        .await;
    let answer = run(&app, "purge-deleted").await;
    assert_eq!(answer, json!({"job": "purge-deleted", "skipped": "another run is at it"}));
    // Another job is nobody's.
    assert_eq!(run(&app, "purge-idempotency").await["keys"], 0);

    app.db.run("UPDATE app.jobs SET lease_until = now() WHERE name = 'purge-deleted'").await;
    let answer = run(&app, "purge-deleted").await;
    assert_eq!(answer, json!({"job": "purge-deleted", "tasks": 0, "more": false}));
    // It was given back, with what came of it.
    let sql = "SELECT outcome FROM app.jobs
        WHERE name = 'purge-deleted' AND lease_until IS NULL AND ended_at IS NOT NULL AND run <> 'another'";
    let rows = app.db.rows(sql, &[]).await;
    assert_eq!(rows[0].get::<_, serde_json::Value>(0), answer);
}

#[tokio::test]
async fn a_run_that_lost_its_job_does_not_give_it_back() {
    let app = TestApp::start().await;
    let taken = app
        .db
        .rows(
            "SELECT api.take_job_v1('j', 'slow', 0), api.take_job_v1('j', 'quick', 60),
                 api.take_job_v1('j', 'slow', 60), api.take_job_v1('j', 'quick', 60),
                 api.end_job_v1('j', 'slow', '{}')::text",
            &[],
        )
        .await;
    let taken = [0, 1, 2, 3].map(|n| taken[0].get::<_, bool>(n));
    assert_eq!(taken, [true, true, false, true]);
    let held = "SELECT count(*) FROM app.jobs WHERE run = 'quick' AND lease_until > now()";
    assert_eq!(app.db.count(held, &[]).await, 1);
}

#[tokio::test]
async fn a_job_that_does_not_exist_is_answered_with_those_that_do() {
    let app = TestApp::start().await;
    let why = app.run_job("maintenance", json!({"job": "dance"})).await.unwrap_err();
    assert!(why.contains("purge-deleted, purge-idempotency, partitions, exports"), "{why}");
}
