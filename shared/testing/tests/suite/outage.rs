//! Postgres goes away and comes back.

use std::time::Duration;

use config::defaults::{ANSWER_RESERVE, POSTGRES_CALL};
use domain::Role;
use serde_json::json;
use services::StopMode;
use testing::{Call, Proxy, Reply, Setup, TestApp, rig};

use crate::cluster::Cluster;
use crate::support::path_of;

/// Time enough for the database's budget, and too little for twice that: an answer that takes much
/// longer than the budget is a 504 and not a 503.
const TIME: Duration = POSTGRES_CALL
    .saturating_add(ANSWER_RESERVE)
    .saturating_mul(3)
    .checked_div(2)
    .expect("two is not zero");

async fn until(call: &Call<'_>, status: u16) -> Reply {
    for _ in 0..100 {
        let reply = call.send().await;
        if reply.status() == status {
            return reply;
        }
        assert_eq!(reply.status(), 503, "{}", reply.text());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("it does not come back");
}

#[tokio::test]
async fn postgres_stopped_is_503_and_it_comes_back_without_a_restart() {
    let mut cluster = Cluster::start("outage").await;
    let app = TestApp::with(cluster.setup()).await;
    let (alice, nobody) = (app.caller(Role::User), app.anonymous());
    let task = alice.create(&json!({"title": "before"})).await;
    let create = alice.post("/v1/tasks", &json!({"title": "during"})).key("k").within(TIME);
    let get = alice.get(&path_of(&task)).within(TIME);
    let list = alice.get("/v1/tasks?q=before").within(TIME);
    // From now on it is cached.
    get.send().await.expect(200);
    let health = nobody.get("/health").within(TIME);

    for mode in [StopMode::Fast, StopMode::Immediate] {
        cluster.postgres.stop(mode).expect("Postgres stops");
        assert_eq!(get.send().await.expect(200).json(), task, "what is cached is still there");
        for call in [&create, &list] {
            for _ in 0..3 {
                let reply = call.send().await.expect_problem("database-unavailable");
                assert_eq!(reply.status(), 503);
                assert_eq!(reply.header("retry-after"), Some("1"));
                assert!(!reply.text().contains("127.0.0.1"), "the cause leaked");
            }
        }
        let reply = health.send().await.expect(503);
        assert_eq!(reply.json()["status"], "down");
        assert_eq!(reply.json()["checks"]["database"], "down");

        cluster.postgres.start().expect("Postgres starts again");
        until(&create, 201).await;
        until(&list, 200).await;
        until(&health, 200).await;
    }
    // The same request before and after both outages: one task, beside the one from before.
    let reply = create.send().await.expect(201);
    assert_eq!(reply.header("idempotency-replayed"), Some("true"));
    let tasks = cluster.count("SELECT count(*) FROM app.tasks").await;
    let events = cluster.count("SELECT count(*) FROM app.outbox").await;
    assert_eq!((tasks, events), (2, 2));
}

#[tokio::test]
async fn a_connection_that_was_cut_costs_no_answer() {
    let proxy = Proxy::to(rig().state.pgbouncer.port).await;
    let setup = Setup { database_port: Some(proxy.port()), ..Setup::default() };
    let app = TestApp::uncached(setup).await;
    let alice = app.caller(Role::User);
    let task = path_of(&alice.create(&json!({"title": "x"})).await);
    let connections = proxy.connections();
    for _ in 0..20 {
        proxy.cut();
        alice.get(&task).send().await.expect(200);
        proxy.cut();
        alice.create(&json!({"title": "y"})).await;
    }
    assert_eq!(app.db.count("SELECT count(*) FROM app.tasks", &[]).await, 21);
    assert!(proxy.connections() >= connections + 40, "nothing was cut");
}

#[tokio::test]
async fn a_database_that_does_not_answer_is_503_and_leaves_nothing_stuck() {
    let proxy = Proxy::to(rig().state.pgbouncer.port).await;
    let app = TestApp::behind(&proxy).await;
    let alice = app.caller(Role::User);
    alice.create(&json!({"title": "x"})).await;
    proxy.delay(Duration::from_mins(1));
    let create = alice.post("/v1/tasks", &json!({"title": "y"})).within(TIME);
    create.send().await.expect_problem("database-unavailable");
    proxy.delay(Duration::ZERO);
    proxy.cut();
    alice.create(&json!({"title": "z"})).await;
}

/// Somebody holds a lock that a create needs, and no idempotency key is in play.
#[tokio::test]
async fn a_row_that_stays_locked_is_503_and_not_409() {
    let app = TestApp::start().await;
    let alice = app.caller(Role::User);
    alice.create(&json!({"title": "x"})).await;
    app.db.run("BEGIN; SELECT * FROM app.user_state FOR UPDATE").await;
    for call in [
        alice.post("/v1/tasks", &json!({"title": "y"})),
        alice.post("/v1/tasks", &json!({"title": "y"})).key("k"),
    ] {
        call.send().await.expect_problem("database-unavailable");
    }
    app.db.run("ROLLBACK").await;
    alice.create(&json!({"title": "y"})).await;
}
