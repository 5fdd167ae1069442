//! From nothing to the present, as often and by as many as one likes.

use futures_util::future::join_all;
use testing::{TestApp, rig};

struct Empty(String);

impl Empty {
    async fn create() -> Self {
        let name = format!("empty_{}", clock::Clock::system().new_id().simple());
        let admin = rig().admin("postgres").await;
        admin.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
        Self(name)
    }

    /// (After a failure the services' end takes it.)
    async fn remove(self) {
        let admin = rig().admin("postgres").await;
        let _ = admin.batch_execute(&format!("DROP DATABASE {} WITH (FORCE)", self.0)).await;
    }
}

#[tokio::test]
async fn an_empty_database_is_brought_to_the_present_and_stays_there() {
    let database = Empty::create().await;
    let first = rig().migrate(&database.0).await.expect("the first run");
    assert!(!first.applied.is_empty());
    assert_eq!(usize::try_from(first.version).unwrap(), first.applied.len());
    let second = rig().migrate(&database.0).await.expect("the second run");
    assert_eq!((second.applied.len(), second.version), (0, first.version));
    database.remove().await;
}

/// Roles belong to the cluster: runs in different databases meet there.
#[tokio::test]
async fn runs_in_different_databases_do_not_disturb_each_other() {
    let (one, two) = (Empty::create().await, Empty::create().await);
    let runs = (0..6).map(|n| rig().migrate(if n % 2 == 0 { &one.0 } else { &two.0 }));
    for run in join_all(runs).await {
        run.expect("a run");
    }
    one.remove().await;
    two.remove().await;
}

#[tokio::test]
async fn several_at_once_do_the_work_once() {
    let database = Empty::create().await;
    let runs = join_all((0..4).map(|_| rig().migrate(&database.0))).await;
    let applied: Vec<_> = runs.into_iter().map(|run| run.expect("a run").applied.len()).collect();
    assert_eq!(applied.iter().filter(|count| **count > 0).count(), 1, "{applied:?}");
    database.remove().await;
}

#[tokio::test]
async fn a_file_that_changed_after_it_ran_stops_the_next_run() {
    let database = Empty::create().await;
    rig().migrate(&database.0).await.expect("the first run");
    let admin = rig().admin(&database.0).await;
    let change = "UPDATE app.refinery_schema_history SET checksum = '1' WHERE version = 1";
    admin.batch_execute(change).await.unwrap();
    let error = rig().migrate(&database.0).await.expect_err("the second run").to_string();
    assert!(error.contains("migration"), "{error}");
    drop(admin);
    database.remove().await;
}

/// During a deploy the functions of the last release still run, on the new schema.
#[tokio::test]
async fn what_the_last_release_calls_still_works() {
    let app = TestApp::start().await;
    let rows = app
        .db
        .rows(
            "SELECT outcome FROM api.create_task_v1(
                 p_user => gen_random_uuid(), p_session => NULL, p_issued_at => now(),
                 p_key => 'k', p_fingerprint => '\\x00',
                 p_id => gen_random_uuid(), p_title => 'a task', p_description => NULL,
                 p_status => 'pending', p_priority => 'normal', p_due_at => NULL, p_labels => '{}',
                 p_assignee => NULL, p_event => gen_random_uuid(), p_request_id => 'test',
                 p_traceparent => NULL)",
            &[],
        )
        .await;
    assert_eq!(rows[0].get::<_, String>(0), "created");
}
