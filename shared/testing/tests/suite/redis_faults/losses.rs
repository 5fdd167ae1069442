//! Redis that answers and forgets, or has no room: (d) and (f).

use std::cell::Cell;
use std::time::Duration;

use clock::Clock;
use domain::Role;
use futures_util::future::join;
use serde_json::{Value, json};
use testing::{Call, Setup, TestApp, lines_of};

use super::breakable::{BUDGET, BreakableRedis, setup};
use super::load::World;
use crate::support::path_of;

const LOAD: usize = 600;

/// A load while something is done to Redis again and again, each time by another number.
async fn under(
    world: &World<'_>,
    redis: &BreakableRedis,
    command: impl Fn(u64) -> Vec<&'static str>,
) {
    let over = Cell::new(false);
    let load = async {
        world.load(LOAD).await;
        over.set(true);
    };
    let doing = async {
        for count in 0.. {
            if over.get() {
                break;
            }
            redis.ask(&command(count)).await;
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
    };
    join(load, doing).await;
}

/// X16 (d).
#[tokio::test]
async fn a_redis_that_loses_everything_again_and_again_misleads_nobody() {
    let redis = BreakableRedis::start("redis-flushed");
    let app = TestApp::with(setup(redis.port(), BUDGET)).await;
    let world = World::of(&app, 1600).await;
    under(&world, &redis, |count| match count % 4 {
        0 => vec!["SCRIPT", "FLUSH"],
        _ => vec!["FLUSHALL"],
    })
    .await;
    world.judged("X16d flushed").await;
    world.recovered("X16d").await;
    world.play_events().await;
    world.load(LOAD / 2).await;
    world.judged("X16d, after").await;
    super::counted(world.operations());
}

/// X16 (f).
#[tokio::test]
async fn a_redis_without_room_misleads_nobody() {
    let redis = BreakableRedis::start("redis-full");
    let app = TestApp::with(setup(redis.port(), BUDGET)).await;
    let world = World::of(&app, 1601).await;
    world.load(LOAD / 2).await;
    world.judged("X16f, before").await;
    for policy in ["noeviction", "volatile-lru"] {
        redis.ask(&["CONFIG", "SET", "maxmemory-policy", policy]).await;
        // It comes and goes: no room at all, room for a little, no limit.
        let used = redis.told("memory", "used_memory").await;
        let little: &'static str = (used + 50_000).to_string().leak();
        under(&world, &redis, |count| {
            let most =
                ["1mb", little, little, "0"][usize::try_from(count / 16 % 4).expect("small")];
            vec!["CONFIG", "SET", "maxmemory", most]
        })
        .await;
        world.judged(&format!("X16f {policy}, now and then")).await;
        redis.ask(&["CONFIG", "SET", "maxmemory", "1mb"]).await;
        world.load(LOAD).await;
        world.judged(&format!("X16f {policy}, 1mb")).await;
    }
    redis.ask(&["CONFIG", "SET", "maxmemory", "0"]).await;
    world.recovered("X16f").await;
    world.play_events().await;
    world.load(LOAD / 2).await;
    world.judged("X16f, after").await;
    super::counted(world.operations());
}

/// A Redis that was started again knows no script.
#[tokio::test]
async fn scripts_that_redis_has_forgotten_cost_one_round_trip_once() {
    let redis = BreakableRedis::start("redis-scripts");
    // A budget that a busy machine keeps: this is not about time.
    let clock = Some(Clock::system());
    let app = TestApp::with(Setup { clock, ..setup(redis.port(), "5000") }).await;
    let alice = app.caller(Role::User);
    let task = alice.create(&json!({"title": "x"})).await;
    let trips = async |call: Call<'_>| {
        let reply = call.send().await.expect(200);
        let line = lines_of(reply.header("x-request-id").expect("an id"))[0].clone();
        assert_eq!(line["redis_failed"], Value::Null);
        line["redis_round_trips"].as_u64().expect("a number")
    };
    let path = path_of(&task);
    let get = || alice.get(&path);
    let change = |title: &str| alice.patch(&path, &json!({"title": title}));
    trips(get()).await;
    assert_eq!(trips(get()).await, 1, "a hit");
    trips(change("a")).await;
    assert_eq!(trips(change("b")).await, 2, "a change");
    redis.ask(&["SCRIPT", "FLUSH"]).await;
    assert_eq!((trips(get()).await, trips(get()).await), (2, 1));
    redis.ask(&["SCRIPT", "FLUSH"]).await;
    assert_eq!((trips(change("c")).await, trips(change("d")).await), (4, 2));
}
