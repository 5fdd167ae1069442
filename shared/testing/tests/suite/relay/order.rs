//! The events of one task reach a queue in the order of their versions.

use std::collections::{BTreeMap, BTreeSet};

use domain::Role;
use domain::event::{Envelope, Queue};
use futures_util::future::join_all;
use serde_json::{Value, json};
use testing::{TestApp, rig};
use uuid::Uuid;

use super::routes::{event, messages};
use crate::support::path_of;

const TASKS: usize = 6;
const CHANGES: usize = 8;

/// What stands in a queue, in the order in which it was sent.
async fn sent(app: &TestApp, queue: Queue) -> Vec<Envelope> {
    let mut messages = messages(app, queue).await;
    messages.sort_by_key(|message| {
        use aws_sdk_sqs::types::MessageSystemAttributeName::SentTimestamp;
        let attributes = message.attributes().expect("attributes");
        attributes[&SentTimestamp].parse::<u64>().expect("a time")
    });
    messages.iter().map(event).collect()
}

/// The first times at which each version of a task was sent never go back. (An event may be sent
/// twice; consumers know it by its id.)
fn in_order(events: &[Envelope]) -> usize {
    let mut versions: BTreeMap<Uuid, i64> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for event in events {
        if !seen.insert(event.id) {
            continue;
        }
        let task = event.task_id.expect("a task");
        let last = versions.insert(task, event.version).unwrap_or_default();
        assert_eq!(event.version, last + 1, "of {task}");
    }
    seen.len()
}

#[tokio::test]
async fn four_relays_keep_the_order_of_each_task() {
    let mut app = TestApp::start().await;
    app.db.outlaw();
    let alice = app.caller(Role::User);
    let a_task = json!({"title": "a task"});
    let tasks = join_all((0..TASKS).map(|_| alice.create(&a_task))).await;
    for change in 0..CHANGES {
        for task in &tasks {
            let patch = json!({"title": format!("title {change}")});
            alice.patch(&path_of(task), &patch).send().await.expect(200);
        }
    }
    let relays = (0..4).map(|_| app.run_job("outbox-relay", Value::Null));
    let answers: Vec<Value> =
        join_all(relays).await.into_iter().map(|answer| answer.expect("a run")).collect();
    let sent_by: Vec<u64> = answers.iter().filter_map(|answer| answer["sent"].as_u64()).collect();
    assert_eq!(sent_by.iter().sum::<u64>(), (TASKS * (1 + CHANGES)) as u64, "{sent_by:?}");
    let events = sent(&app, Queue::Audit).await;
    assert_eq!(in_order(&events), TASKS * (1 + CHANGES));
    assert_eq!(events.len(), TASKS * (1 + CHANGES), "nothing twice, as nobody was killed");
}

#[tokio::test]
async fn what_a_dead_relay_was_lent_is_lent_again_after_the_lease() {
    let app = TestApp::start().await;
    let alice = app.caller(Role::User);
    let task = alice.create(&json!({"title": "a task"})).await;
    alice.patch(&path_of(&task), &json!({"title": "other"})).send().await.expect(200);
    let admin = rig().admin(app.db.name()).await;
    let step = "SELECT aggregate_version, attempts
        FROM api.relay_v1('{}', '{}', '{}', '{}', 10, 30)";
    let lent = async || {
        let rows = admin.query(step, &[]).await.expect("a step");
        let pairs = rows.iter().map(|row| (row.get::<_, i64>(0), row.get::<_, i32>(1)));
        pairs.collect::<Vec<_>>()
    };
    // The head of the line, once.
    assert_eq!(lent().await, [(1, 1)]);
    assert_eq!(lent().await, []);
    let lease = "SELECT count(*) FROM app.outbox
        WHERE aggregate_version = 1
            AND next_attempt_at BETWEEN now() + interval '20 s' AND now() + interval '30 s'";
    assert_eq!(app.db.count(lease, &[]).await, 1);
    app.db.run("UPDATE app.outbox SET next_attempt_at = now() WHERE attempts > 0").await;
    assert_eq!(lent().await, [(1, 2)]);
}
