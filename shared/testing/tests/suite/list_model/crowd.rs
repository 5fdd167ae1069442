//! Some people, and their tasks: random, with everything in them that a list could get wrong.

use domain::Role;
use issuer::Person;
use serde_json::{Value, json};
use testing::{Caller, Random, TestApp};
use uuid::Uuid;

const TASKS: usize = 300;

pub(super) const STATUSES: [&str; 4] = ["pending", "in_progress", "completed", "rejected"];
pub(super) const PRIORITIES: [&str; 4] = ["low", "normal", "high", "urgent"];
/// Few, so that many tasks share one; in two cases, and with what a query string has a use for.
pub(super) const LABELS: [&str; 6] = ["work", "Work", "a b", "x,y&z=1+1", "täglich", "50%_\\"];

/// Titles and descriptions are made of these.
const WORDS: [&str; 14] = [
    "Alpha",
    "ALPHA",
    "alphabet",
    "Übung",
    "übung",
    "GROẞ",
    "50%",
    "505",
    "a_b",
    "axb",
    "C:\\temp",
    "C:temp",
    "it's \"so\"",
    "日本",
];

/// People, and all tasks that there are, as the API shows them. `deleted_at` is null unless deleted.
pub(super) struct Crowd<'a> {
    pub(super) people: Vec<(Role, Caller<'a>)>,
    pub(super) tasks: Vec<Value>,
}

impl<'a> Crowd<'a> {
    /// Makes them known to the database.
    pub(super) async fn gather(app: &'a TestApp, random: &mut Random) -> Self {
        let roles = [Role::User, Role::User, Role::User, Role::Viewer, Role::Admin];
        let people = roles.map(|role| {
            let sub = id(random);
            (role, app.person(Person { sub, ..Person::new(role.name(), &[role.name()]) }))
        });
        // The last user owns nothing, and is given nothing.
        let busy = [0, 1, 3, 4].map(|person: usize| people[person].1.id());
        let tasks: Vec<Value> = (0..TASKS).map(|_| task(random, &busy)).collect();
        keep(app, &tasks).await;
        Self { people: people.into(), tasks }
    }
}

/// Stores tasks as if they had been created, with all that goes with it.
async fn keep(app: &TestApp, tasks: &[Value]) {
    let tasks = json!(tasks);
    let rows = "INSERT INTO app.tasks
        SELECT t.* FROM jsonb_array_elements($1) AS task,
            jsonb_populate_record(NULL::app.tasks, task || jsonb_build_object('last_op', task -> 'id')) AS t";
    app.db.rows(rows, &[&tasks]).await;
    app.db
        .run(
            "INSERT INTO app.outbox (aggregate_id, aggregate_version, id, type, payload)
             SELECT id, 1, id, 'task.created', '{}' FROM app.tasks;
             INSERT INTO app.user_state
             SELECT user_id, 1, count(*) FILTER (WHERE deleted_at IS NULL) FROM app.tasks
             GROUP BY user_id;
             ANALYZE app.tasks",
        )
        .await;
}

fn task(random: &mut Random, people: &[Uuid]) -> Value {
    let status = *one_of(random, &STATUSES);
    let this_year = |random: &mut Random| json!(time(random, 2026));
    // A third of them long ago: those are overdue, if they are open.
    let due_at = match random.below(3) {
        0 => Value::Null,
        1 => json!(time(random, 2020)),
        _ => json!(time(random, 2090)),
    };
    let mut labels: Vec<&str> = LABELS.into_iter().filter(|_| random.percent(30)).collect();
    if random.percent(50) {
        labels.reverse();
    }
    json!({
        "id": id(random),
        "title": text(random),
        "description": random.percent(40).then(|| text(random)),
        "status": status,
        "priority": one_of(random, &PRIORITIES),
        "due_at": due_at,
        "labels": labels,
        "assignee_id": random.percent(50).then(|| one_of(random, people)),
        "user_id": one_of(random, people),
        "version": 1,
        "created_at": this_year(random),
        "updated_at": this_year(random),
        "completed_at": (status == "completed").then(|| this_year(random)),
        "deleted_at": random.percent(15).then(|| this_year(random)),
    })
}

/// One of 60 points of time in a year, so that many tasks share one: ties are ordered by id.
pub(super) fn time(random: &mut Random, year: u32) -> String {
    let (month, milli) = (1 + random.below(12), random.below(5));
    format!("{year}-{month:02}-15T12:00:00.00{milli}Z")
}

pub(super) fn text(random: &mut Random) -> String {
    let words = 1 + random.below(3);
    let words: Vec<&str> = (0..words).map(|_| *one_of(random, &WORDS)).collect();
    words.join(" ")
}

pub(super) fn id(random: &mut Random) -> Uuid {
    Uuid::from_u64_pair(random.next(), random.next())
}

pub(super) fn one_of<'a, T>(random: &mut Random, all: &'a [T]) -> &'a T {
    let index = random.below(all.len() as u64);
    &all[usize::try_from(index).expect("an index")]
}
