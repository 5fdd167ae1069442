//! Racing creates through several real processes, with answers that get lost on the way.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::Role;
use futures_util::future::join_all;
use issuer::Person;
use route::gateway::Event;
use serde_json::json;
use testing::{Fleet, Proxy, Reply, TestApp, rig};
use tokio::sync::Barrier;
use uuid::Uuid;

use crate::support::say;

const PROCESSES: usize = 4;
/// How often a client sends its request again after a 503 or a 409, as it is told to.
const TRIES: usize = 8;

const ALICE: Uuid = Uuid::from_u128(0xa11ce);

/// One client's request and what came of it.
struct Operation {
    key: String,
    body: usize,
    reply: Reply,
}

/// What the histories of clients and the database must agree on.
async fn findings(app: &TestApp, operations: &[Operation]) -> Vec<String> {
    let mut found = Vec::new();
    let mut answers: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut winners: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    let mut acknowledged = BTreeSet::new();
    for Operation { key, body, reply } in operations {
        match (reply.status(), reply.code().as_deref()) {
            (201, _) => {
                answers.entry(key).or_default().insert(reply.text());
                winners.entry(key).or_default().insert(*body);
                acknowledged.insert(reply.json()["id"].as_str().unwrap_or_default().to_owned());
            }
            (422, Some("idempotency-key-reused")) => {}
            (status, code) => found.push(format!("{key} got {status} {code:?}")),
        }
    }
    found.extend(
        answers.iter().filter(|(_, bodies)| bodies.len() != 1).map(|(key, bodies)| {
            format!("{key} was answered with {} different bodies", bodies.len())
        }),
    );
    found.extend(winners.iter().filter(|(_, bodies)| bodies.len() != 1).map(|(key, bodies)| {
        format!("{key} was executed with {} different requests", bodies.len())
    }));
    let keys: BTreeSet<_> = operations.iter().map(|o| o.key.as_str()).collect();
    let rows = app.db.rows("SELECT id::text FROM app.tasks", &[]).await;
    let tasks: BTreeSet<String> = rows.iter().map(|row| row.get(0)).collect();
    if tasks.len() != keys.len() {
        found.push(format!("{} tasks for {} keys", tasks.len(), keys.len()));
    }
    let lost: Vec<_> = acknowledged.difference(&tasks).collect();
    if !lost.is_empty() {
        found.push(format!("acknowledged, but not there: {lost:?}"));
    }
    for Operation { key, body, reply } in operations {
        if reply.status() == 422 && winners.get(key.as_str()).is_some_and(|won| won.contains(body))
        {
            found.push(format!("{key} refused the very request that it executed"));
        }
    }
    found.extend(app.db.broken_laws().await);
    found
}

/// One client: sends, and sends again when it is told to.
async fn send(fleet: &Fleet, event: &Event) -> Reply {
    let mut last = None;
    for _ in 0..TRIES {
        let reply = fleet.answer(event).await.expect("an answer");
        let again = matches!(reply.status(), 409 | 503);
        last = Some(reply);
        if !again {
            break;
        }
    }
    last.expect("at least one try")
}

/// `clients` clients race on each of `keys` keys, `bodies` different requests among them.
async fn race(
    app: &TestApp,
    fleet: &Fleet,
    name: &str,
    keys: usize,
    clients: usize,
    bodies: usize,
) -> Vec<Operation> {
    // One person for all races of an app, so that a name means the same key again.
    let alice = app.person(Person { sub: ALICE, ..Person::new("alice", &["user"]) });
    let mut operations = Vec::new();
    for key in 0..keys {
        let barrier = Arc::new(Barrier::new(clients));
        let racing = (0..clients).map(|client| {
            let body = client % bodies;
            let title = json!({"title": format!("task {body}")});
            let key = format!("{name}-{key}");
            let event = alice.post("/v1/tasks", &title).key(&key).event;
            let barrier = Arc::clone(&barrier);
            async move {
                barrier.wait().await;
                Operation { key, body, reply: send(fleet, &event).await }
            }
        });
        operations.extend(join_all(racing).await);
    }
    operations
}

/// X2: equal requests race; now and then the answer of a commit is lost.
#[tokio::test]
async fn racing_equal_creates_have_one_effect_and_one_answer() {
    let proxy = Proxy::to(rig().state.pgbouncer.port).await;
    let app = TestApp::behind(&proxy).await;
    let fleet = Fleet::start("tasks-create", &app.env_of("tasks-create"), PROCESSES);
    proxy.drop_answers(3);
    let operations = race(&app, &fleet, "key", 50, 32, 1).await;
    let found = findings(&app, &operations).await;
    let (count, dropped) = (operations.len(), proxy.dropped());
    say(&format!("X2: {count} operations, {dropped} answers dropped, found: {found:?}"));
    assert!(count >= 1000);
    assert!(dropped > 0, "the proxy dropped nothing: the test shows nothing");
    assert_eq!(found, Vec::<String>::new());
    assert_eq!(fleet.deaths(), 0);
}

/// X3: eight different requests race on one key: one of them is executed, and no other.
#[tokio::test]
async fn different_requests_under_one_key_never_both_execute() {
    let app = TestApp::start().await;
    let fleet = Fleet::start("tasks-create", &app.env_of("tasks-create"), PROCESSES);
    let operations = race(&app, &fleet, "key", 20, 64, 8).await;
    let found = findings(&app, &operations).await;
    let refused = operations.iter().filter(|o| o.reply.status() == 422).count();
    say(&format!("X3: {} operations, {refused} refused, found: {found:?}", operations.len()));
    assert!(operations.len() >= 1000);
    assert_eq!(refused, 20 * 56, "all but the eight of the winner are refused");
    assert_eq!(found, Vec::<String>::new());
}

/// F1, the usual form that is wrong: record and look-up in one statement share one snapshot, so that
/// a racing twin finds neither. The same race must find it out, or it would prove nothing.
#[tokio::test]
async fn the_race_finds_the_known_bad_form() {
    let app = TestApp::start().await;
    app.db.run(include_str!("known_bad/claim_key_do_nothing.sql")).await;
    let fleet = Fleet::start("tasks-create", &app.env_of("tasks-create"), PROCESSES);
    // Without a rival the bad form is as good as the good one.
    let alone = race(&app, &fleet, "alone", 5, 1, 1).await;
    let again = race(&app, &fleet, "alone", 5, 1, 1).await;
    let faultless: Vec<_> = alone.into_iter().chain(again).collect();
    assert_eq!(findings(&app, &faultless).await, Vec::<String>::new(), "without a race");
    app.db.run("DELETE FROM app.outbox; DELETE FROM app.tasks; DELETE FROM app.user_state").await;

    let mut operations = Vec::new();
    let mut found = Vec::new();
    // A race is a matter of luck.
    for round in 0..10 {
        operations.extend(race(&app, &fleet, &format!("round-{round}"), 25, 32, 1).await);
        found = findings(&app, &operations).await;
        if !found.is_empty() {
            break;
        }
    }
    say(&format!("F1: {} operations, found: {found:?}", operations.len()));
    assert!(!found.is_empty(), "the known bad form was not found out");
}

/// A create without a key, whose answers get lost: every acknowledged task is there, once.
#[tokio::test]
async fn creates_without_a_key_are_never_doubled_by_our_own_retries() {
    let proxy = Proxy::to(rig().state.pgbouncer.port).await;
    let app = TestApp::behind(&proxy).await;
    let fleet = Fleet::start("tasks-create", &app.env_of("tasks-create"), PROCESSES);
    proxy.drop_answers(5);
    let alice = app.caller(Role::User);
    let mut acknowledged = BTreeSet::new();
    let mut unknown = 0;
    for _ in 0..20 {
        let event = alice.post("/v1/tasks", &json!({"title": "x"})).event;
        let replies = join_all((0..16).map(|_| fleet.answer(&event))).await;
        for reply in replies.into_iter().map(|reply| reply.expect("an answer")) {
            match reply.status() {
                201 => assert!(acknowledged.insert(reply.json()["id"].to_string()), "twice"),
                503 => unknown += 1,
                status => panic!("{status}: {}", reply.text()),
            }
        }
    }
    let rows = app.db.rows("SELECT id::text FROM app.tasks", &[]).await;
    let tasks: BTreeSet<_> =
        rows.iter().map(|row| json!(row.get::<_, String>(0)).to_string()).collect();
    assert!(acknowledged.is_subset(&tasks), "an acknowledged task is not there");
    assert!(tasks.len() <= acknowledged.len() + unknown, "more tasks than requests explain");
    assert!(proxy.dropped() > 0);
}
