//! Every event is counted once, and the counts do not depend on the order in which events come.

mod model;
mod recount;

use domain::event::{Envelope, Kind, Queue};
use domain::{Role, Status};
use futures_util::future::join_all;
use serde_json::{Value, json};
use testing::{Caller, Random, TestApp};
use uuid::Uuid;

use model::{Counts, counted};

use crate::support::{every_event, path_of, say};

const WORKER: &str = "analytics-worker";

/// Those of some events that are counted.
fn countable(events: Vec<Envelope>) -> Vec<Envelope> {
    let is_ours = |event: &Envelope| event.event.queues().contains(&Queue::Analytics);
    events.into_iter().filter(is_ours).collect()
}

fn shuffled<T>(mut things: Vec<T>, random: &mut Random) -> Vec<T> {
    for place in (1..things.len()).rev() {
        things.swap(place, random.index(place + 1));
    }
    things
}

/// Gives events to the worker, in batches of random sizes.
async fn work(app: &TestApp, events: &[Envelope], random: &mut Random) {
    let mut rest = events;
    while !rest.is_empty() {
        let (batch, after) = rest.split_at((1 + random.index(100)).min(rest.len()));
        assert!(app.work(WORKER, batch).await.is_empty());
        rest = after;
    }
}

/// One of the things that can be done to tasks, by somebody who may.
async fn something(random: &mut Random, admin: &Caller<'_>, owner: &Caller<'_>, all: &[Uuid]) {
    const STATUSES: [&str; 4] = ["pending", "in_progress", "completed", "rejected"];
    let status = STATUSES[random.index(4)];
    let tasks = owner.get("/v1/tasks?limit=100").send().await.expect(200).json();
    let tasks = tasks["items"].as_array().cloned().unwrap_or_default();
    if tasks.is_empty() || random.percent(25) {
        owner.create(&json!({"title": "x", "status": status})).await;
        return;
    }
    let task = &tasks[random.index(tasks.len())];
    let path = path_of(task);
    match random.index(6) {
        0 | 1 => drop(owner.patch(&path, &json!({"status": status})).send().await.expect(200)),
        2 => {
            let next = json!({"user_id": all[random.index(all.len())], "status": status});
            admin.patch(&path, &next).send().await.expect(200);
        }
        3 => drop(owner.patch(&path, &json!({"title": "y"})).send().await.expect(200)),
        _ => {
            admin.delete(&path).send().await.expect(204);
            if random.percent(50) {
                let restore = admin.call("POST", &format!("{path}/restore"));
                restore.send().await.expect(200);
            }
        }
    }
}

/// How many live tasks there are in each status.
async fn live(app: &TestApp) -> Value {
    let sql = "SELECT jsonb_object_agg(s, (
            SELECT count(*) FROM app.tasks WHERE status = s AND deleted_at IS NULL
        )) FROM unnest(ARRAY['pending', 'in_progress', 'completed', 'rejected']) AS s";
    app.db.rows(sql, &[]).await[0].get(0)
}

/// Six workers get everything, each in its own order, and some of it twice at once.
#[tokio::test]
async fn an_event_is_counted_once_however_often_and_in_whatever_order_it_comes() {
    const SEED: u64 = 0x0c0_7a15;
    say(&format!("analytics_worker: seed {SEED:#x}"));
    let app = TestApp::start().await;
    let mut random = Random::seeded(SEED);
    let (admin, viewer) = (app.caller(Role::Admin), app.caller(Role::Viewer));
    let owners: Vec<_> = (0..4).map(|_| app.caller(Role::User)).collect();
    for owner in &owners {
        owner.get("/v1/me").send().await.expect(200);
    }
    let ids: Vec<Uuid> = owners.iter().map(Caller::id).collect();
    for _ in 0..200 {
        let owner = &owners[random.index(owners.len())];
        something(&mut random, &admin, owner, &ids).await;
    }
    let events = countable(every_event(&app).await);
    let deliveries = (0..6).map(|worker| {
        let (app, mut mine) = (&app, events.clone());
        let mut random = Random::seeded(SEED + 1 + worker);
        for _ in 0..events.len() / 3 {
            mine.push(events[random.index(events.len())].clone());
        }
        let mine = shuffled(mine, &mut random);
        async move { work(app, &mine, &mut random).await }
    });
    join_all(deliveries).await;

    assert_eq!(Counts::of(&app).await, counted(&events));
    let sql = "SELECT count(*) FROM app.inbox WHERE consumer = 'analytics'";
    assert_eq!(app.db.count(sql, &[]).await, i64::try_from(events.len()).expect("a number"));
    let stats = viewer.get("/v1/stats").send().await.expect(200).json();
    assert_eq!(stats["by_status"], live(&app).await);
    let created = "SELECT count(*) FROM app.outbox WHERE type = 'task.created'";
    let sum = |what: &str| -> i64 {
        let days = stats["daily"].as_array().expect("days").iter();
        days.map(|day| day[what].as_i64().expect("a number")).sum()
    };
    assert_eq!(sum("created"), app.db.count(created, &[]).await);
    let deleted = "SELECT count(*) FROM app.outbox WHERE type = 'task.deleted'";
    assert_eq!(sum("deleted"), app.db.count(deleted, &[]).await);
    say(&format!("analytics_worker: {} events", events.len()));
}

/// Histories that nobody lived, over days and owners: the same numbers as a model's.
#[tokio::test]
async fn any_history_in_any_order_gives_the_numbers_of_the_model() {
    const SEED: u64 = 0x5ca1e;
    const HISTORIES: u64 = 25;
    say(&format!("analytics_worker: seed {SEED:#x}"));
    let app = TestApp::start().await;
    for history in 0..HISTORIES {
        let mut random = Random::seeded(SEED + history);
        app.db
            .run(
                "TRUNCATE app.daily_stats, app.daily_totals, app.inbox;
                 UPDATE app.status_totals SET tasks = 0, newest = '2000-01-01'",
            )
            .await;
        let events = model::history(&app.clock, &mut random);
        let in_order = shuffled(events.clone(), &mut random);
        work(&app, &in_order, &mut random).await;
        let again = shuffled(events.clone(), &mut random);
        work(&app, &again[..again.len() / 2], &mut random).await;
        assert_eq!(Counts::of(&app).await, counted(&events), "history {history}");
    }
}

#[tokio::test]
async fn what_cannot_be_counted_harms_nothing_beside_it() {
    let app = TestApp::start().await;
    let mut random = Random::seeded(1);
    let events = model::history(&app.clock, &mut random);
    let [first, second, ..] = &events[..] else { panic!("two events") };
    let nobodys = Envelope { id: app.clock.new_id(), owner_id: None, ..first.clone() };
    let text = |event: &Envelope| serde_json::to_string(event).expect("JSON");
    let messages: Vec<(String, u32)> = vec![
        (text(first), 1),
        (text(&nobodys), 1),
        ("nonsense".into(), 1),
        (text(second), 1),
        (text(&Envelope { id: app.clock.new_id(), ..nobodys.clone() }), 10),
    ];
    assert_eq!(app.work_raw(WORKER, &messages).await, [1]);
    assert_eq!(Counts::of(&app).await, counted(&events[..2]));
    let mut dead = app.take("task-analytics-dlq").await;
    dead.extend(app.take("task-analytics-dlq").await);
    assert_eq!(dead.len(), 2, "{dead:?}");
    // Mended, it is counted.
    let mended = Envelope { owner_id: first.owner_id, ..nobodys };
    assert!(app.work(WORKER, std::slice::from_ref(&mended)).await.is_empty());
    assert_eq!(Counts::of(&app).await, counted(&[first.clone(), second.clone(), mended]));
}

/// Nobody could tell whether it was counted.
#[tokio::test]
async fn what_is_older_than_all_that_is_remembered_is_not_counted() {
    let app = TestApp::start().await;
    let events = model::history(&app.clock, &mut Random::seeded(2));
    let ancient = "01700000-0000-7000-8000-000000000001".parse().expect("an id");
    let ancient = Envelope { id: ancient, ..events[0].clone() };
    assert!(app.work(WORKER, &[ancient, events[0].clone()]).await.is_empty());
    assert_eq!(Counts::of(&app).await, counted(&events[..1]));
}

/// What is not about the going of a task is counted nowhere, should it ever come.
#[tokio::test]
async fn what_is_none_of_its_business_is_counted_nowhere() {
    let app = TestApp::start().await;
    let events = model::history(&app.clock, &mut Random::seeded(3));
    let strange: Vec<Envelope> = Kind::ALL
        .into_iter()
        .filter(|kind| !kind.queues().contains(&Queue::Analytics))
        .map(|event| Envelope { event, id: app.clock.new_id(), ..events[0].clone() })
        .collect();
    assert!(app.work(WORKER, &strange).await.is_empty());
    assert_eq!(Counts::of(&app).await, counted(&[]));
    assert_eq!(Status::ALL.len(), 4, "a status more needs a place in the counts");
}
