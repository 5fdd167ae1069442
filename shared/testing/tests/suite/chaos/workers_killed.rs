//! Each worker is killed at random points of its work.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use domain::Role;
use futures_util::future::join;
use local::lambda::Function;
use testing::{Random, Scene};

use super::kills;
use super::world::{Mailed, World};
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

/// Kills the worker once, somewhere in what it does; returns the mails that it was sending.
async fn killed(world: &World, worker: &str, random: &mut Random) -> BTreeSet<Mailed> {
    const LONGEST: usize = 20_000;
    let function = world.stage.function(worker);
    loop {
        at_work(function).await;
        let within = u64::try_from(random.index(LONGEST)).expect("a time");
        tokio::time::sleep(Duration::from_micros(within)).await;
        let sending = world.being_sent().await;
        if !function.kill_at_work() {
            continue; // It was quicker.
        }
        // It was the only process, so nobody holds what it held.
        if worker == "notifications-worker" {
            let sending = &sending | &world.being_sent().await;
            world.mail_leases_pass().await;
            return sending;
        }
        if worker == "exports-worker" {
            let pass = "UPDATE app.exports SET leased_until = now() WHERE status = 'running'";
            world.app.db.run(pass).await;
        }
        return BTreeSet::new();
    }
}

#[tokio::test]
async fn each_effect_is_there_once_whoever_died_meanwhile() {
    // One process of each: when it is killed, nobody holds what it held.
    let scene = Scene { processes: 1, visibility: Duration::from_secs(3), ..Scene::default() };
    let world = World::open(scene).await;
    let alice = world.somebody(Role::User).await;
    let mut random = Random::seeded(u64::from(std::process::id()));
    let mut killed_with = BTreeSet::new();
    for worker in WORKERS {
        let over = AtomicBool::new(false);
        let load = async {
            while !over.load(Ordering::SeqCst) {
                if worker == "exports-worker" {
                    world.asked_for_an_export(&alice).await;
                } else {
                    world.stories(&alice, 1).await;
                }
            }
        };
        let kills = async {
            for _ in 0..kills() {
                killed_with.extend(killed(&world, worker, &mut random).await);
                world.taken();
            }
            over.store(true, Ordering::SeqCst);
        };
        join(load, kills).await;
        world.stage.settled(&world.app).await;
    }
    say(&format!("each of {} workers was killed {} times at work", WORKERS.len(), kills()));
    world.judged("the workers killed", &killed_with).await;
    let exports = "SELECT count(*) FROM app.exports WHERE status <> 'completed'";
    assert_eq!(world.app.db.count(exports, &[]).await, 0, "exports that were not made");
    let events = "SELECT count(*) FROM app.audit WHERE event = 'export.completed'";
    let exports = "SELECT count(*) FROM app.exports";
    let (events, exports) =
        (world.app.db.count(events, &[]).await, world.app.db.count(exports, &[]).await);
    assert_eq!(events, exports, "each export was told of once");
}
