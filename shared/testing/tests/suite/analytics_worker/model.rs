//! What the counts should be, made from the contract and not from the product; and histories to count.

use std::collections::BTreeMap;

use clock::Clock;
use domain::event::{Change, Envelope, Kind, Summary};
use domain::{Day, Priority, Private, Status, Timestamp};
use serde_json::json;
use testing::{Random, TestApp};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

/// Created, completed, deleted, restored.
type Row = [i64; 4];

/// All that is counted.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) users: BTreeMap<(Uuid, Day), Row>,
    pub(super) all_days: BTreeMap<Day, Row>,
    pub(super) statuses: BTreeMap<String, i64>,
}

impl Counts {
    /// As the database has them. What is zero is not there.
    pub(super) async fn of(app: &TestApp) -> Self {
        let row = |row: &tokio_postgres::Row| -> Row {
            ["created", "completed", "deleted", "restored"].map(|column| row.get(column))
        };
        let day = |row: &tokio_postgres::Row| Day::of(row.get("day"));
        let users = app.db.rows("SELECT * FROM app.daily_stats", &[]).await;
        let all = app.db.rows("SELECT * FROM app.daily_totals", &[]).await;
        let statuses = app.db.rows("SELECT * FROM app.status_totals WHERE tasks <> 0", &[]).await;
        Self {
            users: users.iter().map(|r| ((r.get("user_id"), day(r)), row(r))).collect(),
            all_days: all.iter().map(|r| (day(r), row(r))).collect(),
            statuses: statuses.iter().map(|r| (r.get("status"), r.get("tasks"))).collect(),
        }
    }
}

/// As they should be after these events.
pub(super) fn counted(events: &[Envelope]) -> Counts {
    let mut counts = Counts::default();
    for event in events {
        let task = event.task.as_ref().expect("a task");
        let happened = match event.event {
            Kind::TaskCreated if task.status == Status::Completed => [1, 1, 0, 0],
            Kind::TaskCreated => [1, 0, 0, 0],
            Kind::TaskCompleted => [0, 1, 0, 0],
            Kind::TaskDeleted => [0, 0, 1, 0],
            Kind::TaskRestored => [0, 0, 0, 1],
            _ => [0; 4],
        };
        let day = Day::of(event.at.to_offset_date_time().date());
        if happened != [0; 4] {
            let owner = event.owner_id.expect("an owner");
            let rows = [
                counts.users.entry((owner, day)).or_default(),
                counts.all_days.entry(day).or_default(),
            ];
            for row in rows {
                for (count, more) in row.iter_mut().zip(happened) {
                    *count += more;
                }
            }
        }
        let mut add = |status: &str, tasks: i64| {
            *counts.statuses.entry(status.to_owned()).or_default() += tasks;
        };
        match event.event {
            Kind::TaskCreated | Kind::TaskRestored => add(task.status.name(), 1),
            Kind::TaskDeleted => add(task.status.name(), -1),
            Kind::TaskStatusChanged | Kind::TaskCompleted => {
                let before = event.changes["status"].from.expose();
                add(before.as_str().expect("a status"), -1);
                add(task.status.name(), 1);
            }
            _ => {}
        }
    }
    counts.statuses.retain(|_, tasks| *tasks != 0);
    counts
}

/// The events of some tasks of some owners, over some days: what a task cannot do does not happen.
pub(super) fn history(clock: &Clock, random: &mut Random) -> Vec<Envelope> {
    let owners: Vec<Uuid> = (0..=random.index(5)).map(|_| clock.new_id()).collect();
    let mut events = Vec::new();
    for _ in 0..=random.index(30) {
        let task_id = clock.new_id();
        let mut owner = owners[random.index(owners.len())];
        let mut status = status(random);
        let mut at = OffsetDateTime::from(clock.now()) - Duration::days(9);
        let mut deleted = false;
        for version in 1..=1 + random.index(8) {
            at += Duration::minutes(i64::try_from(random.below(2000)).expect("minutes"));
            let mut changes = BTreeMap::new();
            let kind = match (version, random.index(4)) {
                (1, _) => Kind::TaskCreated,
                _ if deleted => Kind::TaskRestored,
                (_, 0) => Kind::TaskDeleted,
                _ => {
                    let before = status;
                    while status == before {
                        status = self::status(random);
                    }
                    changes.insert("status".to_owned(), change(before, status));
                    // Nobody hears of it but those who are told of the status.
                    owner = owners[random.index(owners.len())];
                    if status == Status::Completed {
                        Kind::TaskCompleted
                    } else {
                        Kind::TaskStatusChanged
                    }
                }
            };
            deleted = kind == Kind::TaskDeleted;
            events.push(Envelope {
                event: kind,
                task_id: Some(task_id),
                user_id: Some(owner),
                at: Timestamp::new(at).expect("a time"),
                id: clock.new_id(),
                schema: 1,
                version: i64::try_from(version).expect("a version"),
                owner_id: Some(owner),
                assignee_id: None,
                changed: changes.keys().cloned().collect(),
                changes,
                task: Some(Summary {
                    title: Private::new("x".to_owned()),
                    status,
                    priority: Priority::Normal,
                    due_at: None,
                }),
                subject: None,
                request_id: "of-a-model".to_owned(),
                traceparent: None,
            });
        }
    }
    events
}

fn status(random: &mut Random) -> Status {
    Status::ALL[random.index(Status::ALL.len())]
}

fn change(from: Status, to: Status) -> Change {
    let value = |status: Status| Private::new(json!(status));
    Change { from: value(from), to: value(to) }
}
