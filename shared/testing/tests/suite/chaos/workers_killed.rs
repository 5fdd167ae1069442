//! Each worker is killed at random points of its work.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::Role;
use local::lambda::Function;
use testing::{Random, Scene};

use super::kills;
use super::world::World;
use crate::support::say;

const WORKERS: [&str; 4] =
    ["notifications-worker", "analytics-worker", "audit-worker", "exports-worker"];

/// Returns when a process is at work: at once, for what it does may be short.
async fn at_work(function: &Function) {
    const PATIENCE: Duration = Duration::from_mins(1);
    let waiting = async {
        while !function.is_at_work() {
            tokio::task::yield_now().await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, waiting).await.is_ok(), "it never came: work");
}

#[tokio::test]
async fn each_effect_is_there_once_whoever_died_meanwhile() {
    // One process of each: when it is killed, nobody holds what it held.
    let scene = Scene { processes: 1, visibility: Duration::from_secs(3), ..Scene::default() };
    let world = World::open(scene).await;
    let alice = world.somebody(Role::User).await;
    let mut random = Random::seeded(u64::from(std::process::id()));
    let mut killed_with = BTreeSet::new();
    let mut counts = Vec::new();
    for worker in WORKERS {
        let function = world.stage.function(worker);
        let mut killed = 0;
        while killed < kills() {
            if worker == "exports-worker" {
                world.asked_for_an_export(&alice).await;
            } else {
                world.stories(&alice, 2).await;
            }
            // Somewhere in what it does.
            let within = Duration::from_micros(random.index(20_000) as u64);
            at_work(function).await;
            tokio::time::sleep(within).await;
            let sent = world.being_sent().await;
            if function.kill_at_work() {
                killed += 1;
                if worker == "notifications-worker" {
                    killed_with.extend(sent);
                    killed_with.extend(world.being_sent().await);
                    world.mail_leases_pass().await;
                }
                if worker == "exports-worker" {
                    let pass =
                        "UPDATE app.exports SET lease_until = now() WHERE status = 'running'";
                    world.app.db.run(pass).await;
                }
            }
        }
        counts.push(format!("{worker} {killed}"));
        world.stage.settled(&world.app).await;
    }
    say(&format!("killed at work: {}", counts.join(", ")));
    world.judged("the workers killed", &killed_with).await;
    let exports = "SELECT count(*) FROM app.exports WHERE status <> 'completed'";
    assert_eq!(world.app.db.count(exports, &[]).await, 0, "exports that were not made");
    let events = "SELECT count(*) FROM app.audit WHERE event = 'export.completed'";
    let exports = "SELECT count(*) FROM app.exports";
    let (events, exports) =
        (world.app.db.count(events, &[]).await, world.app.db.count(exports, &[]).await);
    assert_eq!(events, exports, "each export was told of once");
}
