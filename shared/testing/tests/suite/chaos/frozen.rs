//! The queues stand still for twenty seconds.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use domain::Role;
use serde_json::json;
use services::{LocalStack, free_port};
use testing::{Scene, Setup};

use super::world::World;
use crate::support::{own_folder, say};

const FROZEN: Duration = Duration::from_secs(20);

#[tokio::test]
async fn writes_go_on_and_everything_drains_afterwards() {
    let folder = own_folder("frozen-queues");
    let mut localstack =
        LocalStack::create(&folder, free_port().expect("a port")).expect("a LocalStack");
    localstack.start().expect("LocalStack starts");
    let url = localstack.address().url;
    let scene = Scene { localstack: Some(url), ..Scene::default() };
    let world = World::with(Setup::default(), scene).await;
    let alice = world.somebody(Role::User).await;
    world.stories(&alice, 2).await;
    world.stage.settled(&world.app).await;

    localstack.freeze().expect("it stands still");
    // The schedule goes on, too, and the relay can do nothing.
    let relay = world.stage.function("outbox-relay").begin("{}".into(), "");
    let (over, mut written) = (AtomicBool::new(false), 0);
    let writes = async {
        while !over.load(Ordering::SeqCst) {
            alice.create(&json!({"title": "meanwhile"})).await;
            written += 1;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let end = async {
        tokio::time::sleep(FROZEN).await;
        over.store(true, Ordering::SeqCst);
    };
    tokio::join!(writes, end);
    localstack.thaw().expect("it goes on");
    let _ = relay.answer().await;
    world.app.db.run("UPDATE app.outbox SET next_attempt_at = now()").await;
    say(&format!("{written} tasks were created while the queues stood still"));
    assert!(written > 0);
    world.stage.settled(&world.app).await;
    world.judged("the queues frozen", &BTreeSet::new()).await;
    world.stage.pause().await;
    drop(world);
    localstack.stop().expect("LocalStack stops");
    let _ = folder.remove();
}
