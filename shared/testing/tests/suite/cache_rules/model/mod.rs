//! X12 in small steps: readers and writers as state machines whose steps chance puts in order, over the
//! real Redis and a database that is a few numbers. No hit is older than what was acknowledged before.

mod agent;
mod world;

use testing::Random;

use self::agent::Agent;
use self::world::{Losses, World};
use crate::support::say;

const STEPS: usize = 24_000;
const AGENTS: usize = 10;

async fn run(what: &str, seed: u64, steps: usize, losses: Losses, more: &[(&str, &str)]) -> World {
    let mut world = World::new(Random::seeded(seed), losses, more).await;
    let mut agents: Vec<Agent> = (0..AGENTS).map(Agent::new).collect();
    for step in 0..steps {
        world.bury_the_dead(step).await;
        let agent = world.random.index(AGENTS);
        agents[agent].step(&mut world, step).await;
    }
    let counts = &world.counts;
    say(&format!(
        "X12: {what}, seed {seed}: {steps} steps, {counts:?}, wrong: {} {:?}",
        world.found.len(),
        world.found.first()
    ));
    world
}

fn assert_it_shows_something(world: &World) {
    let counts = &world.counts;
    for (what, count) in [
        ("hits", counts.hits),
        ("misses", counts.misses),
        ("fenced reads", counts.fenced),
        ("answers of the reader", counts.from_reader),
        ("changes", counts.changes),
        ("dead writers", counts.dead),
    ] {
        assert!(count >= 100, "only {count} {what}");
    }
}

#[tokio::test]
async fn no_hit_is_older_than_what_anybody_has_seen_before() {
    let world = run("nothing is lost", 1, STEPS, Losses::Nothing, &[]).await;
    assert_it_shows_something(&world);
    assert_eq!(world.found, Vec::<String>::new());
}

#[tokio::test]
async fn no_hit_is_older_than_what_was_acknowledged_even_if_redis_loses_what_it_likes() {
    let world = run("keys are lost", 2, STEPS, Losses::Keys, &[]).await;
    assert_it_shows_something(&world);
    assert!(world.counts.lost >= 100);
    assert_eq!(world.found, Vec::<String>::new());
}

/// The usual cache beside a database is found to be wrong by the same steps.
#[tokio::test]
async fn a_naive_cache_is_found_out() {
    let naive = [("REDIS_KNOWN_BAD", "naive-cache")];
    let world = run("a naive cache", 1, STEPS / 4, Losses::Nothing, &naive).await;
    assert!(world.found.len() >= 10, "not found: {:?}", world.found);
}
