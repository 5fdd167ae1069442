//! X27: a limit lets through exactly what it says, however many processes there are and however its
//! caller looks.

use std::cell::Cell;

use domain::Role;
use futures_util::future::join_all;
use issuer::Person;
use route::gateway::Event;
use serde_json::json;
use testing::{Call, Caller, Fleet, TestApp};

use crate::change_races::warm_fleet;
use crate::own_redis::OwnRedis;
use crate::support::say;

const BURST: u64 = 25;
/// How long it takes, in microseconds, until one more call may be made.
const INTERVAL: u64 = 200_000;
const LIMITS: &str = r#"{"user": "25/5", "ip": "25/5"}"#;
const FUNCTIONS: [&str; 4] = ["tasks-get", "tasks-list", "me-get", "tasks-create"];
/// Of each function.
const PROCESSES: usize = 2;
const CLIENTS: usize = 12;
/// The other user calls once in so many calls: seldom enough for their own limit.
const SELDOM: usize = 128;

/// Functions in processes of their own, and the calls that they get.
struct Load<'a> {
    redis: &'a OwnRedis,
    fleets: &'a [(&'static str, Fleet)],
    /// All of these are one caller's.
    calls: Vec<(&'static str, Event)>,
    /// This one is somebody else's.
    other: (&'static str, Event),
}

/// What came of it.
#[derive(Debug)]
struct Run {
    calls: usize,
    accepted: u64,
    /// What the limit must have let through by Redis's clock, and what it may have let through.
    least: u64,
    most: u64,
}

impl Run {
    const fn is_exact(&self) -> bool {
        self.least <= self.accepted && self.accepted <= self.most
    }

    fn say(&self, what: &str) {
        let Self { calls, accepted, least, most } = self;
        say(&format!(
            "X27: {what}: of {calls} calls {accepted} accepted, exact is {least} to {most}"
        ));
    }
}

impl Load<'_> {
    /// Whether a call is let through.
    async fn is_accepted(&self, (function, event): &(&'static str, Event)) -> bool {
        let fleet = self.fleets.iter().find(|(name, _)| name == function);
        let (_, fleet) = fleet.expect("a function that runs");
        let reply = fleet.answer(event).await.expect("an answer");
        assert!([200, 201, 401, 404, 429].contains(&reply.status()), "{reply:?}");
        reply.status() != 429
    }

    /// Makes so many calls as fast as it goes.
    ///
    /// What a limit lets through between two moments follows from the first call and the last refusal
    /// alone: `burst + elapsed / interval`, if the caller never rested for a whole window. So these
    /// two are made apart, between looks at the clock that counts.
    async fn run(&self, operations: usize) -> Run {
        let first = self.redis.time().await;
        assert!(self.is_accepted(&self.calls[0]).await, "the first call");
        let after_first = self.redis.time().await;

        let (made, accepted) = (Cell::new(1), Cell::new(1));
        let clients = (0..CLIENTS).map(async |_| {
            while made.get() < operations {
                let number = made.replace(made.get() + 1);
                if self.is_accepted(&self.calls[number % self.calls.len()]).await {
                    accepted.set(accepted.get() + 1);
                }
                if number.is_multiple_of(SELDOM) {
                    assert!(self.is_accepted(&self.other).await, "another caller's limit");
                }
            }
        });
        join_all(clients).await;

        // A limit that never refuses is found out all the same.
        let mut before_last = 0;
        for call in self.calls.iter().cycle().take(usize::try_from(4 * BURST).expect("a number")) {
            before_last = self.redis.time().await;
            made.set(made.get() + 1);
            if !self.is_accepted(call).await {
                break;
            }
            accepted.set(accepted.get() + 1);
        }
        let last = self.redis.time().await;
        Run {
            calls: made.get(),
            accepted: accepted.get(),
            least: BURST + (before_last - after_first) / INTERVAL,
            most: BURST + (last - first) / INTERVAL,
        }
    }
}

async fn fleets(app: &TestApp) -> Vec<(&'static str, Fleet)> {
    let admin = app.caller(Role::Admin);
    let mut fleets = Vec::new();
    for function in FUNCTIONS {
        let call = call_of(&admin, function);
        fleets.push((function, warm_fleet(app, function, PROCESSES, &call).await));
    }
    fleets
}

fn call_of<'a>(caller: &Caller<'a>, function: &str) -> Call<'a> {
    match function {
        "tasks-get" => caller.get("/v1/tasks/0197a1b2-0000-7000-8000-000000000001"),
        "tasks-list" => caller.get("/v1/tasks"),
        "tasks-create" => caller.post("/v1/tasks", &json!({"title": "x"})),
        _ => caller.get("/v1/me"),
    }
}

/// The calls of somebody with several sessions, each from another place, who says that it is yet
/// another one.
fn calls_of_a_user(app: &TestApp) -> Vec<(&'static str, Event)> {
    let alice = Person::new("alice", &["user"]);
    let mut calls = Vec::new();
    for session in 0..4 {
        let person = Person { sid: Person::new("alice", &[]).sid, ..alice.clone() };
        let caller = app.person(person);
        for (number, function) in FUNCTIONS.into_iter().enumerate() {
            let place = format!("198.51.100.{}", 10 * session + number);
            let call = call_of(&caller, function).from(&place);
            calls.push((function, disguised(call, 4 * session + number).event));
        }
    }
    calls
}

/// The calls of somebody without a token, from many addresses of one network.
fn calls_of_a_stranger(app: &TestApp) -> Vec<(&'static str, Event)> {
    let stranger = app.anonymous();
    let mut calls = Vec::new();
    for number in 0..64 {
        let function = FUNCTIONS[number % FUNCTIONS.len()];
        let call = call_of(&stranger, function).from(&format!("2001:db8:5:6:{number:x}::7"));
        calls.push((function, disguised(call, number).event));
    }
    calls
}

/// With headers that name another client.
fn disguised(call: Call<'_>, number: usize) -> Call<'_> {
    let place = format!("192.0.2.{number}");
    call.header("x-forwarded-for", &place)
        .header("x-real-ip", &place)
        .header("forwarded", format!("for={place}"))
        .header("cloudfront-viewer-address", format!("{place}:1"))
}

#[tokio::test]
async fn eight_processes_let_through_exactly_what_the_limit_says() {
    let redis = OwnRedis::start().await;
    let app = TestApp::with(redis.setup(LIMITS)).await;
    let fleets = fleets(&app).await;
    let other = ("me-get", app.caller(Role::User).get("/v1/me").event);
    let calls = calls_of_a_user(&app);
    let user = Load { redis: &redis, fleets: &fleets, calls, other };
    let user = user.run(1_500).await;
    user.say("a user");

    let other = ("me-get", app.anonymous().get("/v1/me").from("2001:db8:5:7::7").event);
    let calls = calls_of_a_stranger(&app);
    let stranger = Load { redis: &redis, fleets: &fleets, calls, other };
    let stranger = stranger.run(3_600).await;
    stranger.say("a network");

    assert!(user.is_exact(), "a user: {user:?}");
    assert!(stranger.is_exact(), "a network: {stranger:?}");
    assert!(user.calls + stranger.calls >= 5_000);
    for (function, fleet) in &fleets {
        let bypassed = fleet.output().iter().filter(|l| l.contains("limit_bypassed")).count();
        assert_eq!(bypassed, 0, "{function} did not count");
    }
}

/// The same experiment finds that each process counts for itself.
#[tokio::test]
async fn processes_that_count_for_themselves_are_found_out() {
    let redis = OwnRedis::start().await;
    let mut setup = redis.setup(LIMITS);
    setup.env.push(("REDIS_KNOWN_BAD", "own-meter".to_owned()));
    let app = TestApp::with(setup).await;
    let fleets = fleets(&app).await;
    let other = ("me-get", app.caller(Role::User).get("/v1/me").event);
    let calls = calls_of_a_user(&app);
    let load = Load { redis: &redis, fleets: &fleets, calls, other };
    let run = load.run(1_200).await;
    run.say("each process for itself");
    assert!(run.accepted > run.most, "not found: {run:?}");
}
