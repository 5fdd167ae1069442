//! What is tried again, how often, and what is not.

use domain::Role;
use serde_json::json;
use testing::{Reply, TestApp, lines_of};

/// Lets the next `times` creates fail with an SQLSTATE, before they do anything. The counter is a
/// sequence, which a rollback does not turn back.
async fn fail_creates(app: &TestApp, sqlstate: &str, times: i32) {
    app.db
        .run(&format!(
            "CREATE SEQUENCE app.failures;
             ALTER FUNCTION api.create_task_v2 RENAME TO good_create_task;
             CREATE FUNCTION api.create_task_v2(jsonb, jsonb, jsonb) RETURNS jsonb
             LANGUAGE plpgsql SECURITY DEFINER SET search_path = app, pg_temp AS $$
             BEGIN
                 IF nextval('failures') <= {times} THEN
                     RAISE EXCEPTION 'on purpose' USING ERRCODE = '{sqlstate}';
                 END IF;
                 RETURN api.good_create_task($1, $2, $3);
             END $$;
             GRANT EXECUTE ON FUNCTION api.create_task_v2 TO api_write"
        ))
        .await;
}

/// The answer to a create after so many failures, and how many statements it took.
async fn create_after(sqlstate: &str, times: i32) -> (Reply, u64) {
    let app = TestApp::start().await;
    fail_creates(&app, sqlstate, times).await;
    let reply = app.caller(Role::User).post("/v1/tasks", &json!({"title": "x"})).send().await;
    let id = reply.header("x-request-id").expect("an id");
    let trips = lines_of(id)[0]["db_round_trips"].as_u64().expect("a number");
    (reply, trips)
}

#[tokio::test]
async fn a_transaction_that_lost_a_race_is_run_again_up_to_ten_times() {
    // 40001: also what a concurrent writer gets when a task changes its owner, as often as it does.
    // 40P01: a deadlock.
    for sqlstate in ["40001", "40P01"] {
        let (reply, trips) = create_after(sqlstate, 10).await;
        reply.expect(201);
        assert_eq!(trips, 11, "{sqlstate}");
        let (reply, trips) = create_after(sqlstate, 11).await;
        reply.expect_problem("database-unavailable");
        assert_eq!(trips, 11, "{sqlstate}");
    }
}

#[tokio::test]
async fn a_writer_that_became_a_reader_is_asked_once_more_on_a_fresh_connection() {
    // 25006 read-only · 57P01 shut down · 08006 connection failure
    for sqlstate in ["25006", "57P01", "08006"] {
        let (reply, trips) = create_after(sqlstate, 1).await;
        reply.expect(201);
        assert_eq!(trips, 2, "{sqlstate}");
        let (reply, trips) = create_after(sqlstate, 2).await;
        reply.expect_problem("database-unavailable");
        assert_eq!(trips, 2, "{sqlstate}");
    }
}

#[tokio::test]
async fn what_cannot_help_is_not_tried_again() {
    // A broken rule and a missing right are faults of ours; a full or slow server needs less, not more.
    for (sqlstate, problem) in [
        ("23514", "internal-error"),
        ("42501", "internal-error"),
        ("53300", "database-unavailable"),
        ("57014", "database-unavailable"),
        ("55P03", "database-unavailable"),
    ] {
        let (reply, trips) = create_after(sqlstate, 1).await;
        reply.expect_problem(problem);
        assert_eq!(trips, 1, "{sqlstate}");
    }
}
