//! The relay is killed before it sends, and after it has sent.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::Role;
use serde_json::json;
use testing::{Proxy, Scene, rig};

use super::kills;
use super::world::World;
use crate::support::say;

/// How many events are lent to somebody.
const LENT: &str = "SELECT count(*) FROM app.outbox WHERE next_attempt_at > now()";

/// Nobody has come back within the lease.
const LEASES_PASS: &str = "UPDATE app.outbox SET next_attempt_at = now()";

async fn between() -> (Proxy, Scene) {
    let url = &rig().state.localstack.url;
    let port = url.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
    let proxy = Proxy::before(port, 0).await;
    let behind = format!("http://127.0.0.1:{}", proxy.port());
    let env = vec![("outbox-relay", "AWS_ENDPOINT_URL_SQS", behind)];
    (proxy, Scene { env, ..Scene::default() })
}

#[tokio::test]
async fn events_are_sent_again_by_the_next_one() {
    let (proxy, scene) = between().await;
    let world = World::open(scene).await;
    let alice = world.somebody(Role::User).await;
    // Nobody takes messages, and nobody but the test starts the relay.
    world.stage.pause().await;
    let relay = world.stage.function("outbox-relay");
    let audit = format!("{}-task-audit", world.app.db.name());
    let (mut before, mut after) = (0, 0);
    for number in 0..kills() * 2 {
        for task in 0..3 {
            alice.create(&json!({"title": format!("task {number}.{task}")})).await;
        }
        let sent_before = world.stage.depth(&audit).await;
        let kills_after = number % 2 == 1;
        if kills_after {
            // What it is answered comes late enough to be killed before it.
            proxy.delay(Duration::from_millis(300));
        } else {
            proxy.refuse(true);
        }
        let run = relay.begin("{}".into(), "");
        World::comes("events are lent", || async { world.app.db.count(LENT, &[]).await > 0 }).await;
        if kills_after {
            World::comes("events are sent", || async {
                world.stage.depth(&audit).await > sent_before
            })
            .await;
        }
        assert!(relay.kill_at_work(), "the relay is at work");
        run.answer().await.expect_err("it was killed");
        let left = world.app.db.count("SELECT count(*) FROM app.outbox", &[]).await;
        assert!(left >= 3, "its events are still there");
        if kills_after {
            after += 1;
        } else {
            before += 1;
            assert_eq!(world.stage.depth(&audit).await, sent_before, "nothing was sent");
        }
        proxy.delay(Duration::ZERO);
        proxy.refuse(false);
        world.app.db.run(LEASES_PASS).await;
    }
    say(&format!("the relay was killed {before} times before it sent, {after} times after it had"));
    world.stage.go_on();
    world.stage.settled(&world.app).await;
    world.judged("the relay killed", &BTreeSet::new()).await;
}
