//! The function of a route is killed after its commit and before its answer.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::Role;
use serde_json::json;
use testing::{Fleet, Proxy, Scene, rig};

use super::kills;
use super::world::World;
use crate::support::say;

#[tokio::test]
async fn an_event_is_there_whoever_died_before_the_answer() {
    let world = World::open(Scene::default()).await;
    let alice = world.somebody(Role::User).await;
    // The answer of the database comes late enough to be killed before it.
    let proxy = Proxy::to(rig().state.pgbouncer.port).await;
    let url = format!("postgres://127.0.0.1:{}/{}", proxy.port(), world.app.db.name());
    let env = world.app.env_of("tasks-create").with("DATABASE_URL", url);
    let fleet = Fleet::start("tasks-create", &env, 1);
    let mut after_commit = 0;
    for number in 0..kills() {
        // Each process shakes hands first, in its own time.
        proxy.delay(Duration::ZERO);
        let first = alice.post("/v1/tasks", &json!({"title": "first"})).event;
        fleet.answer(&first).await.expect("an answer").expect(201);
        proxy.delay(Duration::from_millis(150));
        let title = format!("killed-{number}");
        let call = alice.post("/v1/tasks", &json!({"title": title})).key(&title);
        let is_there = "SELECT count(*) FROM app.tasks WHERE title = $1";
        let committed = World::comes("a commit", || async {
            world.app.db.count(is_there, &[&title]).await > 0
        });
        let answer = fleet.answer_or_die(&call.event, committed).await;
        after_commit += usize::from(answer.is_err());
        if number % 2 == 0 {
            // A client that sends it again is told what was done.
            call.send().await.expect(201);
        }
        assert_eq!(world.app.db.count(is_there, &[&title]).await, 1, "once");
    }
    say(&format!("tasks-create was killed {after_commit} times between commit and answer"));
    assert_eq!(after_commit, kills());
    world.stage.settled(&world.app).await;
    world.judged("the API killed between commit and answer", &BTreeSet::new()).await;
}

#[tokio::test]
async fn what_was_rolled_back_leaves_no_event() {
    let world = World::open(Scene::default()).await;
    let alice = world.somebody(Role::User).await;
    let task = alice.create(&json!({"title": "a task"})).await;
    let path = crate::support::path_of(&task);
    let nobody = world.app.clock.new_id();
    // Refused after the database has begun with it.
    alice.post("/v1/tasks", &json!({"title": "x", "assignee_id": nobody})).send().await.expect(422);
    alice.patch(&path, &json!({"assignee_id": nobody})).send().await.expect(422);
    alice.patch(&path, &json!({"title": "y"})).header("if-match", "\"9\"").send().await.expect(412);
    alice.patch(&path, &json!({"title": "a task"})).send().await.expect(200);
    world.stage.settled(&world.app).await;
    world.judged("changes that were rolled back", &BTreeSet::new()).await;
    let events = "SELECT count(*) FROM app.audit WHERE task_id IS NOT NULL";
    assert_eq!(world.app.db.count(events, &[]).await, 1);
}
