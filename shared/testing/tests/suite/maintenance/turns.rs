//! A run that has no time left, or is killed.

use std::time::Duration;

use futures_util::future::{Either, select};
use serde_json::json;
use testing::TestApp;
use worker::JobEntry;

use super::purges::trash;
use super::run;

/// Fifteen seconds are kept to say what was done: with that much nothing is begun.
#[tokio::test]
async fn a_run_without_time_says_that_there_is_more() {
    let mut app = TestApp::start().await;
    app.db.outlaw();
    trash(&app, 3).await;
    let job = (JobEntry::of::<maintenance::Maintenance>().prepare)(
        &app.env_of_worker("maintenance"),
        app.clock.clone(),
    )
    .unwrap();
    let call = |job: &str| json!({"job": job});
    let answer = job.call(call("purge-deleted"), Duration::from_secs(15)).await;
    assert_eq!(answer.unwrap(), json!({"job": "purge-deleted", "tasks": 0, "more": true}));
    let answer = job.call(call("purge-idempotency"), Duration::from_secs(15)).await;
    assert_eq!(answer.unwrap()["more"], true);
    let answer = job.call(call("partitions"), Duration::from_secs(15)).await.unwrap();
    assert!(answer["waiting"][0].as_str().unwrap().ends_with("the time is up"), "{answer}");
    // The job was given back each time.
    assert_eq!(run(&app, "purge-deleted").await["tasks"], 3);
}

/// Wherever it stands: what it had committed is whole, and the next run does the rest.
#[tokio::test]
async fn a_run_that_is_killed_leaves_nothing_half_done() {
    let mut app = TestApp::start().await;
    app.db.outlaw();
    trash(&app, 1800).await;
    let gone = "SELECT 1800 - count(*) FROM app.tasks";
    let one_batch = async {
        while app.db.count(gone, &[]).await == 0 {
            tokio::task::yield_now().await;
        }
    };
    let killed = select(Box::pin(run(&app, "purge-deleted")), Box::pin(one_batch)).await;
    assert!(matches!(killed, Either::Right(_)), "it was too quick to be killed");
    drop(killed);
    assert_eq!(run(&app, "purge-deleted").await["skipped"], "another run is at it");

    app.db.run("UPDATE app.jobs SET lease_until = now()").await;
    run(&app, "purge-deleted").await;
    assert_eq!(app.db.count(gone, &[]).await, 1800);
    assert_eq!(
        app.db.count("SELECT count(DISTINCT aggregate_id) FROM app.outbox", &[]).await,
        1800
    );
    assert_eq!(app.db.count("SELECT count(*) FROM app.outbox", &[]).await, 1800);
}
