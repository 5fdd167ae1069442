//! Who writes wakes the relay, if it sleeps; and what commits while it falls asleep is not left behind.

use domain::Role;
use domain::event::Queue;
use serde_json::{Value, json};
use testing::{Setup, TestApp};

use super::routes::messages;
use crate::redis_faults::breakable::BreakableRedis;
use crate::support::{no_queue, path_of};

const HEARTBEAT: &str = "relay:alive";

async fn app_on(redis_port: u16) -> TestApp {
    let setup = Setup { redis_port: Some(redis_port), own_relay: true, ..Setup::default() };
    TestApp::with(setup).await
}

/// How often the relay was woken since the last look.
async fn wakes(app: &TestApp) -> usize {
    let messages = messages(app, Queue::Outbox).await;
    let client = app.queues().await.client();
    for message in &messages {
        let receipt = message.receipt_handle().expect("a receipt");
        let url = app.queue_url(Queue::Outbox.name());
        let call = client.delete_message().queue_url(url).receipt_handle(receipt);
        call.send().await.expect("a deletion");
    }
    messages.len()
}

#[tokio::test]
async fn a_write_wakes_a_relay_that_sleeps_and_no_other() {
    let redis = BreakableRedis::start("wake");
    let app = app_on(redis.port()).await;
    let (alice, admin) = (app.caller(Role::User), app.caller(Role::Admin));
    let task = alice.create(&json!({"title": "a task"})).await;
    assert_eq!(wakes(&app).await, 1, "asleep");
    let path = path_of(&task);
    alice.patch(&path, &json!({"title": "other"})).send().await.expect(200);
    admin.delete(&path).send().await.expect(204);
    assert_eq!(wakes(&app).await, 2, "each kind of write");

    redis.ask(&["SET", HEARTBEAT, "somebody"]).await;
    alice.create(&json!({"title": "a task"})).await;
    assert_eq!(wakes(&app).await, 0, "awake");
    redis.ask(&["DEL", HEARTBEAT]).await;

    // What leaves no event behind wakes nobody.
    alice.get("/v1/tasks").send().await.expect(200);
    alice.patch("/v1/me", &json!({"time_zone": "Europe/Berlin"})).send().await.expect(200);
    alice.patch(&path, &json!({"title": "gone"})).send().await.expect(404);
    alice.post("/v1/tasks", &json!({"title": ""})).send().await.expect(422);
    assert_eq!(wakes(&app).await, 0, "nothing happened");
}

#[tokio::test]
async fn a_replay_wakes_it_again() {
    let redis = BreakableRedis::start("wake-replay");
    let app = app_on(redis.port()).await;
    let alice = app.caller(Role::User);
    let call = alice.post("/v1/tasks", &json!({"title": "a task"})).key("k");
    call.send().await.expect(201);
    call.send().await.expect(201);
    assert_eq!(wakes(&app).await, 2, "the first answer may have been lost before the wake");
}

#[tokio::test]
async fn without_redis_every_write_wakes_it_and_without_the_queue_no_write_fails() {
    let dead = services::free_port().expect("a port");
    let app = app_on(dead).await;
    let alice = app.caller(Role::User);
    alice.create(&json!({"title": "a task"})).await;
    assert_eq!(wakes(&app).await, 1);

    let env = vec![("OUTBOX_QUEUE_URL", no_queue())];
    let setup = Setup { redis_port: Some(dead), env, ..Setup::default() };
    let app = TestApp::with(setup).await;
    app.caller(Role::User).create(&json!({"title": "a task"})).await;
}

#[tokio::test]
async fn it_beats_while_it_is_awake_and_looks_once_more_before_it_sleeps() {
    let redis = BreakableRedis::start("wake-sleep");
    let mut app = app_on(redis.port()).await;
    app.db.outlaw();
    let alice = app.caller(Role::User);
    alice.create(&json!({"title": "a task"})).await;
    wakes(&app).await;

    // While it is awake, nobody wakes it, and what is written is carried.
    let writes = async {
        let mut woken = 0;
        while redis.ask(&["EXISTS", HEARTBEAT]).await.trim() != "1" {
            tokio::task::yield_now().await;
        }
        for _ in 0..20 {
            alice.create(&json!({"title": "a task"})).await;
        }
        woken += wakes(&app).await;
        woken
    };
    let (run, woken) = tokio::join!(app.run_job("outbox-relay", Value::Null), writes);
    assert_eq!(woken, 0);
    assert_eq!(run.expect("a run")["sent"], 21);
    assert_eq!(redis.ask(&["EXISTS", HEARTBEAT]).await.trim(), "0", "it sleeps");
    alice.create(&json!({"title": "a task"})).await;
    assert_eq!(wakes(&app).await, 1);
}

/// The moment in which a write and the relay's falling asleep meet: writes come at random times, and
/// whenever all is quiet either nothing is in the outbox, or the relay was woken.
#[tokio::test]
async fn what_is_committed_while_it_falls_asleep_is_carried_or_wakes_it() {
    let redis = BreakableRedis::start("wake-race");
    let mut app = app_on(redis.port()).await;
    app.db.outlaw();
    let alice = app.caller(Role::User);
    let mut met = 0;
    for round in 0..12_u64 {
        let write = async {
            // It falls asleep after two seconds in which nothing came.
            let around = 1900 + (round * 37) % 240;
            tokio::time::sleep(std::time::Duration::from_millis(around)).await;
            alice.create(&json!({"title": "a task"})).await;
        };
        let (run, ()) = tokio::join!(app.run_job("outbox-relay", Value::Null), write);
        let carried = run.expect("a run")["sent"] == 1;
        let woken = wakes(&app).await > 0;
        assert!(carried || woken, "round {round}: neither carried nor woken");
        met += usize::from(carried);
        app.db.run("DELETE FROM app.outbox").await;
    }
    crate::support::say(&format!("of 12 writes {met} were carried before it slept"));
}

#[tokio::test]
async fn a_second_relay_helps_and_leaves_the_heartbeat_to_the_first() {
    let redis = BreakableRedis::start("wake-second");
    let mut app = app_on(redis.port()).await;
    app.db.outlaw();
    app.caller(Role::User).create(&json!({"title": "a task"})).await;
    redis.ask(&["SET", HEARTBEAT, "the first"]).await;
    let run = app.run_job("outbox-relay", Value::Null).await.expect("a run");
    assert_eq!(run["sent"], 1);
    assert_eq!(redis.ask(&["GET", HEARTBEAT]).await.trim(), "the first");
}
