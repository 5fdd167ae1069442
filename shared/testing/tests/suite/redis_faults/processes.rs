//! X16 (a) and (b) with real processes, each of which finds out for itself.

use config::defaults::REDIS_FAILURES;
use futures_util::future::join;
use services::{Error, Redis};
use testing::TestApp;

use super::breakable::{BUDGET, BreakableRedis, setup};
use super::load::{FUNCTIONS, World};
use crate::support::say;

/// How many there are of each function.
const PROCESSES: usize = 2;
const LOAD: usize = 240;

type Done = fn(&mut Redis) -> Result<(), Error>;

async fn through(name: &str, what: &str, begin: Done, end: Done) {
    let redis = BreakableRedis::start(name);
    let app = TestApp::with(setup(redis.port(), BUDGET)).await;
    let world = World::of_processes(&app, 160, PROCESSES).await;
    world.recovered(what).await;
    world.load(LOAD).await;
    world.judged(&format!("{what}, before")).await;
    let given_up = world.given_up();

    join(world.load(LOAD), redis.does(begin)).await;
    let mut lines = world.judged(&format!("{what}, as it begins")).await;
    world.silence();
    world.load(LOAD).await;
    lines.extend(world.judged(&format!("{what}, during")).await);
    world.end_silence();
    // At first so many calls fail, later one for each time that somebody tried again in vain.
    let failed: u64 = lines.iter().map(|line| line.failed).sum();
    let skipped: u64 = lines.iter().map(|line| line.skipped).sum();
    let processes = (FUNCTIONS.len() * PROCESSES) as u64;
    let given_up = world.given_up() - given_up;
    say(&format!("{what}: {failed} failed, {skipped} skipped, given up {given_up} times"));
    // A busy machine may have failed two calls in a row of each process before.
    let most = (2 * u64::from(REDIS_FAILURES) - 2) * processes + given_up;
    assert!(failed <= most && skipped > failed, "{what}: {failed} failed, {skipped} skipped");

    join(world.load(LOAD), redis.does(end)).await;
    world.recovered(what).await;
    world.judged(&format!("{what}, as it ends")).await;
    world.play_events().await;
    world.load(LOAD).await;
    world.judged(&format!("{what}, after")).await;
    super::counted(world.operations());
}

#[tokio::test]
async fn processes_do_not_notice_that_redis_is_killed_and_started_again() {
    through("processes-killed", "X16a processes", Redis::stop, Redis::start).await;
}

#[tokio::test]
async fn processes_do_not_notice_that_redis_is_frozen_and_goes_on() {
    through("processes-frozen", "X16b processes", Redis::freeze, Redis::thaw).await;
}
