//! Racing changes of one task: no change is lost, and none that succeeded is refused.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use domain::Role;
use futures_util::future::{join, join_all};
use serde_json::json;
use testing::{Call, Caller, Fleet, Proxy, Reply, TestApp, rig};

use crate::support::{path_of, say};

const PROCESSES: usize = 4;
const CLIENTS: usize = 16;
const WAIT: Duration = Duration::from_millis(5);
/// How often a test looks whether somebody waits: two seconds, after which nobody does.
const TRIES: usize = 400;
/// What a process logs of its first request.
const FIRST_ANSWER: &str = "\"cold_start\":true";

/// Processes of a function, all of which have answered before, so that no start disturbs a race. `call`
/// is one that they answer and that changes nothing.
pub(crate) async fn warm_fleet(
    app: &TestApp,
    function: &str,
    count: usize,
    call: &Call<'_>,
) -> Fleet {
    let fleet = Fleet::start(function, &app.env_of(function), count);
    for _ in 0..TRIES {
        let replies = answers(&fleet, (0..count).map(|_| call.clone())).await;
        let started = fleet.output().iter().filter(|line| line.contains(FIRST_ANSWER)).count();
        if started == count && replies.iter().all(|reply| reply.status() < 500) {
            return fleet;
        }
    }
    panic!("{function} does not get going");
}

/// Processes that change tasks.
async fn changers(app: &TestApp) -> Fleet {
    let nothing = format!("/v1/tasks/{}", app.clock.new_id());
    let call = app.caller(Role::User).patch(&nothing, &json!({"title": "x"}));
    warm_fleet(app, "tasks-update", PROCESSES, &call).await
}

/// A task that somebody made, with the tag of its version.
async fn new_task(app: &TestApp) -> (Caller<'_>, String, String) {
    let alice = app.caller(Role::User);
    let create = alice.post("/v1/tasks", &json!({"title": "x"})).header("x-request-id", "create");
    let reply = create.send().await.expect(201);
    (alice, path_of(&reply.json()), tag_of(&reply))
}

/// One after the other: all at once they would wait for a connection.
async fn new_tasks(app: &TestApp, count: usize) -> Vec<(Caller<'_>, String, String)> {
    let mut tasks = Vec::new();
    for _ in 0..count {
        tasks.push(new_task(app).await);
    }
    tasks
}

fn tag_of(reply: &Reply) -> String {
    reply.header("etag").unwrap_or_default().to_owned()
}

fn id_of(reply: &Reply) -> String {
    reply.header("x-request-id").unwrap_or_default().to_owned()
}

/// The requests that made a task's versions, in the order of these; its last version.
async fn history(app: &TestApp, path: &str) -> (Vec<String>, i64) {
    let task = path.rsplit('/').next().expect("an id");
    let sql = "SELECT payload ->> 'requestId' FROM app.outbox
               WHERE aggregate_id::text = $1 ORDER BY aggregate_version";
    let rows = app.db.rows(sql, &[&task]).await;
    let version = "SELECT version FROM app.tasks WHERE id::text = $1";
    (rows.iter().map(|row| row.get(0)).collect(), app.db.count(version, &[&task]).await)
}

async fn answers(fleet: &Fleet, calls: impl Iterator<Item = Call<'_>>) -> Vec<Reply> {
    let events: Vec<_> = calls.map(|call| call.event).collect();
    let replies = join_all(events.iter().map(|event| fleet.answer(event))).await;
    replies.into_iter().map(|reply| reply.expect("an answer")).collect()
}

/// All clients change the task at once, each on the condition that it has the version that the client
/// was told of last. How many requests that were, and what was wrong.
async fn conditional(app: &TestApp, fleet: &Fleet, rounds: usize) -> (usize, Vec<String>) {
    let (alice, path, tag) = new_task(app).await;
    let mut found = Vec::new();
    let mut winners = vec!["create".to_owned()];
    let mut told = vec![tag; CLIENTS];
    for round in 0..rounds {
        let calls = told.iter().enumerate().map(|(client, tag)| {
            let body = json!({"title": format!("by {client} in {round}")});
            let call = alice.patch(&path, &body).header("if-match", tag);
            call.header("x-request-id", format!("{round}-{client}"))
        });
        let replies = answers(fleet, calls).await;
        let (won, lost): (Vec<_>, Vec<_>) = replies.iter().partition(|r| r.status() == 200);
        if won.len() != 1 {
            found.push(format!("round {round}: {} winners", won.len()));
        }
        for reply in &lost {
            if reply.code().as_deref() != Some("precondition-failed") {
                found.push(format!("round {round}: {} {:?}", reply.status(), reply.code()));
            }
        }
        told = replies.iter().map(tag_of).collect();
        // Who lost is told the version that the winner made, and has it for the next round.
        let next = format!("\"{}\"", round + 2);
        if told.iter().any(|tag| *tag != next) {
            found.push(format!("round {round}: clients were told {told:?}"));
            told = vec![format!("\"{}\"", history(app, &path).await.1); CLIENTS];
        }
        winners.extend(won.into_iter().map(id_of));
    }
    let made = history(app, &path).await;
    if made.1 != i64::try_from(rounds).unwrap() + 1 || made.0 != winners {
        found.push(format!("version {}, made by {:?}", made.1, made.0));
    }
    found.extend(app.db.broken_laws().await);
    (CLIENTS * rounds, found)
}

/// X4: of all who change the same version, exactly one does.
#[tokio::test]
async fn of_those_who_change_one_version_exactly_one_does_and_the_others_are_told() {
    let app = TestApp::start().await;
    let fleet = changers(&app).await;
    let (count, found) = conditional(&app, &fleet, 70).await;
    say(&format!("X4: {count} changes, found: {found:?}"));
    assert!(count >= 1000);
    assert_eq!(found, Vec::<String>::new());
}

/// X4b: equal requests with one key and one condition race; all are told of the one success.
#[tokio::test]
async fn a_twin_of_a_change_that_succeeded_is_no_412() {
    let app = TestApp::start().await;
    let fleet = changers(&app).await;
    let (alice, path, mut tag) = new_task(&app).await;
    for round in 0..64 {
        let body = json!({"title": format!("in {round}")});
        let twin = alice.patch(&path, &body).header("if-match", &tag).key(&format!("k{round}"));
        let replies = answers(&fleet, (0..CLIENTS).map(|_| twin.clone())).await;
        let first = replies[0].clone().expect(200);
        for reply in &replies {
            assert_eq!(reply.clone().expect(200).text(), first.text());
        }
        let replays = replies.iter().filter(|r| r.header("idempotency-replayed").is_some());
        assert_eq!(replays.count(), CLIENTS - 1);
        tag = tag_of(&first);
    }
    let (made, version) = history(&app, &path).await;
    say(&format!("X4b: {} changes under 64 keys, version {version}", 64 * CLIENTS));
    assert_eq!((made.len(), version), (65, 65));
}

/// X4b without a key: now and then the answer of a commit is lost. The function asks again by itself,
/// on the same condition, and finds its own change. Each client has a task of its own: there is nobody
/// else who could have changed it.
#[tokio::test]
async fn a_change_whose_answer_was_lost_is_no_412_and_happens_once() {
    const ROUNDS: usize = 64;
    let proxy = Proxy::to(rig().state.pgbouncer.port).await;
    let app = TestApp::behind(&proxy).await;
    let fleet = changers(&app).await;
    let tasks = new_tasks(&app, CLIENTS).await;
    proxy.drop_answers(5);
    let unknown = AtomicU64::new(0);
    let clients = tasks.iter().map(async |(alice, path, tag)| {
        let (mut tag, mut made) = (tag.clone(), vec!["create".to_owned()]);
        for round in 0..ROUNDS {
            let id = format!("change-{round}");
            let call = alice.patch(path, &json!({"title": &id})).header("if-match", &tag);
            let event = call.header("x-request-id", &id).event;
            let reply = fleet.answer(&event).await.expect("an answer");
            if reply.status() == 503 {
                // The second answer was lost, too. Whoever is told 503 has to look.
                unknown.fetch_add(1, Ordering::SeqCst);
                let (now, version) = history(&app, path).await;
                tag = format!("\"{version}\"");
                made.extend((now.last() == Some(&id)).then_some(id));
            } else {
                tag = tag_of(&reply.expect(200));
                made.push(id);
            }
            assert_eq!(tag, format!("\"{}\"", made.len()));
        }
        made
    });
    let made = join_all(clients).await;
    let (dropped, unknown) = (proxy.dropped(), unknown.into_inner());
    let count = CLIENTS * ROUNDS;
    say(&format!("X4b: {count} changes, {dropped} answers dropped, {unknown} times unknown"));
    assert!(dropped > unknown, "no answer was found again: the test shows nothing");
    for ((_, path, _), made) in tasks.iter().zip(made) {
        assert_eq!(history(&app, path).await, (made.clone(), i64::try_from(made.len()).unwrap()));
    }
}

/// Rounds of changes that are cut off while they wait for their task's lock: the retry overlaps its
/// original. How many there were, and what was wrong. (A round in which not all came to wait in time, on
/// a busy machine, shows nothing and does not count.)
async fn overlapping(
    app: &TestApp,
    proxy: &Proxy,
    fleet: &Fleet,
    rounds: usize,
) -> (usize, Vec<String>) {
    let mut found = Vec::new();
    let mut tasks = new_tasks(app, PROCESSES).await;
    let holder = rig().admin(app.db.name()).await;
    let waiting = "SELECT count(*) FROM pg_stat_activity
                   WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let all_wait = async |count: usize| {
        for _ in 0..TRIES {
            if app.db.count(waiting, &[]).await >= i64::try_from(count).unwrap() {
                return true;
            }
            tokio::time::sleep(WAIT).await;
        }
        false
    };
    let mut overlapped = 0;
    for round in 0..rounds {
        holder.batch_execute("BEGIN; SELECT FROM app.tasks FOR UPDATE").await.unwrap();
        let calls = tasks.iter().map(|(alice, path, tag)| {
            let body = json!({"title": format!("in {round}")});
            let call = alice.patch(path, &body).header("if-match", tag);
            if round % 2 == 0 { call } else { call.key(&format!("k{round}")) }
        });
        let cut = async {
            let waited = all_wait(PROCESSES).await;
            proxy.cut();
            let all = waited && all_wait(2 * PROCESSES).await;
            holder.batch_execute("COMMIT").await.unwrap();
            all
        };
        let (replies, all) = join(answers(fleet, calls), cut).await;
        overlapped += if all { PROCESSES } else { 0 };
        for ((_, path, tag), reply) in tasks.iter_mut().zip(replies) {
            let version = history(app, path).await.1;
            if all && (reply.status(), tag_of(&reply)) != (200, next_of(tag)) {
                let (status, code) = (reply.status(), reply.code());
                found.push(format!("round {round}: {status} {code:?}, version {version}"));
            }
            *tag = format!("\"{version}\"");
        }
    }
    found.extend(app.db.broken_laws().await);
    (overlapped, found)
}

/// The tag of the version after this one.
fn next_of(tag: &str) -> String {
    let version: i64 = tag.trim_matches('"').parse().expect("a version");
    format!("\"{}\"", version + 1)
}

/// A process cannot know whether its statement still runs when the connection breaks.
#[tokio::test]
async fn a_retry_that_overlaps_its_original_is_no_412() {
    let proxy = Proxy::to(rig().state.pgbouncer.port).await;
    let app = TestApp::behind(&proxy).await;
    let fleet = changers(&app).await;
    let (count, found) = overlapping(&app, &proxy, &fleet, 20).await;
    say(&format!("F3: {count} overlapping retries, found: {found:?}"));
    assert!(count > 0, "no retry overlapped its original: the test shows nothing");
    assert_eq!(found, Vec::<String>::new());
}

/// Without the lock two changes are made of the same version.
#[tokio::test]
async fn the_race_finds_the_change_that_does_not_lock() {
    let app = TestApp::start().await;
    app.db.run(include_str!("known_bad/change_without_lock.sql")).await;
    let fleet = changers(&app).await;
    let mut found = Vec::new();
    // A race is a matter of luck.
    for _ in 0..10 {
        found = conditional(&app, &fleet, 10).await.1;
        if !found.is_empty() {
            break;
        }
    }
    say(&format!("no lock, found {}: {:?}", found.len(), found.first()));
    assert!(!found.is_empty(), "the known bad form was not found out");
}

/// F3: without rivals, and with rivals who do not repeat themselves, the bad form is as good as the
/// good one. Only the retry that overlaps its original finds it out.
#[tokio::test]
async fn the_race_finds_the_condition_that_is_judged_by_a_snapshot() {
    let proxy = Proxy::to(rig().state.pgbouncer.port).await;
    let app = TestApp::behind(&proxy).await;
    app.db.run(include_str!("known_bad/change_judges_snapshot.sql")).await;
    let fleet = changers(&app).await;
    assert_eq!(conditional(&app, &fleet, 10).await.1, Vec::<String>::new());
    let (count, found) = overlapping(&app, &proxy, &fleet, 6).await;
    say(&format!("F3: {count} overlapping retries, found {}: {:?}", found.len(), found.first()));
    assert!(found.iter().any(|what| what.contains("412")), "the known bad form was not found out");
}
