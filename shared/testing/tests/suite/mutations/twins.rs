//! The same request, many times at once.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use route::Entry;
use testing::{Reply, TestApp};

use super::{administrator, answer, events, events_of_one, good, is_replay, mutations, records};
use crate::cases::success_of;
use crate::support::patiently;

/// How many requests race.
const TWINS: usize = 8;
const ROUNDS: usize = 3;

/// One of them was executed, and all others are told what came of it.
#[track_caller]
fn judge(entry: &Entry, replies: &[&Reply]) {
    let name = entry.spec.name;
    for reply in replies {
        assert_eq!(reply.status(), success_of(entry), "{name}: {}", reply.text());
        assert_eq!(answer(reply), answer(replies[0]), "{name}");
    }
    let executed = replies.iter().filter(|reply| !is_replay(reply)).count();
    assert_eq!(executed, 1, "{name}: {executed} of {} were executed", replies.len());
}

/// Equal requests: one is executed.
async fn twins(app: &TestApp, entry: &Entry) {
    let admin = administrator(app).await;
    let call = good(entry, app, &admin).await.0.key("k");
    let before = events(app).await;
    let replies = join_all((0..TWINS).map(|_| patiently(&call))).await;
    judge(entry, &replies.iter().collect::<Vec<_>>());
    assert_eq!(events(app).await, before + events_of_one(entry), "{}", entry.spec.name);
    assert_eq!(records(app, admin.id()).await, 1, "{}", entry.spec.name);
}

/// Two kinds of request under one key: all of one kind are answered, all of the other refused.
async fn rivals(app: &TestApp, entry: &Entry) {
    let admin = administrator(app).await;
    let one = good(entry, app, &admin).await.0.key("k");
    let other = one.clone().header("if-match", "*");
    let before = events(app).await;
    let calls = (0..TWINS).map(|n| if n % 2 == 0 { &one } else { &other });
    let replies = join_all(calls.map(patiently)).await;
    let refused = |reply: &Reply| reply.code().as_deref() == Some("idempotency-key-reused");
    let (lost, won): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| refused(reply));
    assert_eq!(lost.len(), TWINS / 2, "{}", entry.spec.name);
    let kinds = replies.iter().enumerate().map(|(n, reply)| (n % 2, refused(reply)));
    assert_eq!(kinds.collect::<BTreeSet<_>>().len(), 2, "{}", entry.spec.name);
    judge(entry, &won);
    assert_eq!(events(app).await, before + events_of_one(entry), "{}", entry.spec.name);
}

#[tokio::test]
async fn of_racing_requests_under_one_key_one_is_executed() {
    let app = TestApp::start().await;
    for entry in mutations() {
        for _ in 0..ROUNDS {
            twins(&app, &entry).await;
            rivals(&app, &entry).await;
        }
    }
}
