//! Redis that answers nobody for a while: killed, frozen, slow, or a replica.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use clock::Clock;
use config::defaults::REDIS_FAILURES;
use futures_util::future::join;
use services::Redis;
use testing::{Proxy, Setup, TestApp};

use super::breakable::{BUDGET, BreakableRedis, setup};
use super::history::Line;
use super::load::{CLIENTS, World};
use crate::support::say;

/// How much is done before, during and after a fault.
const BEFORE: usize = 180;
const DURING: usize = 300;
const AFTER: usize = 240;
/// How much is done while a fault begins or ends.
const MEANWHILE: usize = 120;

/// A load before, during and after a fault, which begins and ends while the load goes on. The clock
/// of the breakers stands still meanwhile, so that no pause ends during the fault.
async fn through(
    app: &TestApp,
    what: &str,
    begin: impl Future<Output = ()>,
    end: impl Future<Output = ()>,
) {
    let world = World::of(app, 16).await;
    world.load(BEFORE).await;
    world.judged(&format!("{what}, before")).await;

    world.recovered(what).await;
    world.move_time(false);
    join(world.load(MEANWHILE), begin).await;
    let mut lines = world.judged(&format!("{what}, as it begins")).await;
    world.silence();
    world.load(DURING).await;
    let during = world.judged(&format!("{what}, during")).await;
    world.end_silence();
    world.move_time(true);
    for line in &during {
        assert!(line.bypassed && line.cache != "hit", "{what}: {line:?}");
        assert!(line.failed + line.skipped > 0, "{what}: {line:?}");
    }
    lines.extend(during);
    found_out_quickly(what, &lines);

    join(world.load(MEANWHILE), end).await;
    world.recovered(what).await;
    world.load(MEANWHILE).await;
    world.judged(&format!("{what}, as it ends")).await;
    world.play_events().await;
    world.load(AFTER).await;
    world.judged(&format!("{what}, after")).await;
    super::counted(world.operations());
}

/// Once a function has found out, it does not ask Redis.
fn found_out_quickly(what: &str, lines: &[Line]) {
    let mut failed = BTreeMap::<&str, u64>::new();
    for line in lines {
        *failed.entry(&line.function).or_default() += line.failed;
    }
    say(&format!("{what}: failed calls by function {failed:?}"));
    // So many at once were under way when it was found out; and so many a busy machine may have failed
    // before.
    let most = 2 * (u64::from(REDIS_FAILURES) - 1) + CLIENTS as u64;
    assert!(failed.values().all(|failed| *failed <= most), "{what}: {failed:?}");
}

fn settled(redis: &BreakableRedis) -> Setup {
    Setup { clock: Some(Clock::stopped()), ..setup(redis.port(), BUDGET) }
}

/// X16 (a).
#[tokio::test]
async fn a_redis_that_is_killed_and_started_again_is_not_noticed() {
    let redis = BreakableRedis::start("redis-killed");
    let app = TestApp::with(settled(&redis)).await;
    let (kill, start) = (redis.does(Redis::stop), redis.does(Redis::start));
    through(&app, "X16a killed", kill, start).await;
}

/// X16 (b).
#[tokio::test]
async fn a_redis_that_is_frozen_and_goes_on_is_not_noticed() {
    let redis = BreakableRedis::start("redis-frozen");
    let app = TestApp::with(settled(&redis)).await;
    let (freeze, thaw) = (redis.does(Redis::freeze), redis.does(Redis::thaw));
    through(&app, "X16b frozen", freeze, thaw).await;
}

/// X16 (c).
#[tokio::test]
async fn a_redis_that_is_slow_is_left_alone() {
    let redis = BreakableRedis::start("redis-slow");
    let proxy = Proxy::before(redis.port(), 0).await;
    let setup = Setup { redis_port: Some(proxy.port()), ..settled(&redis) };
    let app = TestApp::with(setup).await;
    let slow = async { proxy.delay(Duration::from_millis(200)) };
    let quick = async { proxy.delay(Duration::ZERO) };
    through(&app, "X16c slow", slow, quick).await;
}

/// X16 (g): as after a failover, in which the connections stay and lead to what is a replica now.
#[tokio::test]
async fn a_redis_that_became_a_replica_is_left_alone_until_it_is_a_primary_again() {
    let redis = BreakableRedis::start("redis-replica");
    let second = redis.second();
    let app = TestApp::with(settled(&redis)).await;
    let port = redis.port();
    let primary = second.address().port;
    let held: Arc<Mutex<Option<Redis>>> = Arc::default();
    let kept = Arc::clone(&held);
    let swap = async {
        // The other has all that this one had, and goes on with it.
        redis
            .does(move |redis| {
                second.become_replica_of(port)?;
                second.become_primary()?;
                redis.become_replica_of(primary)?;
                // It ends with the test.
                *kept.lock().unwrap() = Some(second);
                Ok(())
            })
            .await;
    };
    let back = redis.does(|redis| redis.become_primary());
    through(&app, "X16g replica", swap, back).await;
}
