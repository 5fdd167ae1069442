//! Changes that race with changes of the owner, and with deletion and restoration. A change of the
//! owner moves the row to another partition: whoever waits for the row then has to begin anew.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};

use domain::Role;
use futures_util::future::join_all;
use serde_json::{Value, json};
use testing::{Call, Caller, Fleet, Reply, TestApp};

use crate::change_races::warm_fleet;
use crate::support::{known, path_of, say};

const CLIENTS: usize = 16;
const ROUNDS: usize = 64;
const OWNERS: usize = 4;

/// One client's request and what came of it. Time is the order of what happened here.
struct Operation {
    /// What it sets, and to what; nothing for a deletion and a restoration.
    set: Option<(&'static str, Value)>,
    started: u64,
    ended: u64,
    reply: Reply,
}

impl Operation {
    fn id(&self) -> &str {
        self.reply.header("x-request-id").unwrap_or_default()
    }
}

/// The functions, by their names.
struct Fleets(BTreeMap<&'static str, Fleet>);

impl Fleets {
    /// Starts processes of each function; `calls` are such that change nothing.
    async fn start(app: &TestApp, calls: &[(usize, Call<'_>)]) -> Self {
        let mut fleets = BTreeMap::new();
        for (count, call) in calls {
            let function = Self::of(app, call);
            fleets.insert(function, warm_fleet(app, function, *count, call).await);
        }
        Self(fleets)
    }

    fn of(app: &TestApp, call: &Call<'_>) -> &'static str {
        app.route(&call.event.request_context.http.method, &call.event.raw_path).0
    }

    async fn answer(&self, app: &TestApp, call: &Call<'_>) -> Reply {
        self.0[Self::of(app, call)].answer(&call.event).await.expect("an answer")
    }

    /// What they have logged.
    fn lines(&self) -> impl Iterator<Item = Value> {
        let lines = self.0.values().flat_map(Fleet::output);
        lines.filter_map(|line| serde_json::from_str::<Value>(&line).ok())
    }

    /// How many requests took more than one statement, and how many statements one took at most.
    fn reruns(&self) -> (usize, u64) {
        let trips: Vec<_> =
            self.lines().filter_map(|line| line["db_round_trips"].as_u64()).collect();
        let most = trips.iter().max().copied().unwrap_or_default();
        (trips.iter().filter(|trips| **trips > 1).count(), most)
    }

    /// An answer that should not be, with what the log says of it.
    fn failure(&self, operation: &Operation) -> String {
        let mut lines = self.lines().filter(|line| line["request_id"] == operation.id());
        let cause = lines.next().map(|line| line["error_cause"].clone());
        format!("{}: {} {cause:?}", operation.id(), operation.reply.status())
    }
}

/// All clients work on one task at the same time; `call` says what a client does in a round.
async fn race<'a>(
    app: &TestApp,
    fleets: &Fleets,
    call: impl Fn(usize, usize) -> (Option<(&'static str, Value)>, Call<'a>),
) -> Vec<Operation> {
    let now = AtomicU64::new(0);
    let tick = || now.fetch_add(1, Ordering::SeqCst);
    let clients = (0..CLIENTS).map(async |client| {
        let mut operations = Vec::new();
        for round in 0..ROUNDS {
            let (set, call) = call(client, round);
            let call = call.header("x-request-id", format!("{client}-{round}"));
            let started = tick();
            let reply = fleets.answer(app, &call).await;
            operations.push(Operation { set, started, ended: tick(), reply });
        }
        operations
    });
    join_all(clients).await.into_iter().flatten().collect()
}

/// A version of the task, as its event tells of it.
struct Version {
    number: i64,
    kind: String,
    changed: BTreeSet<String>,
}

/// The versions by the requests that made them.
async fn versions(app: &TestApp) -> BTreeMap<String, Version> {
    let rows = app.db.rows("SELECT aggregate_version, type, payload FROM app.outbox", &[]).await;
    let version = |row: &tokio_postgres::Row| {
        let payload: Value = row.get(2);
        let changed = serde_json::from_value(payload["changed"].clone()).expect("names");
        let id = payload["requestId"].as_str().expect("an id").to_owned();
        (id, Version { number: row.get(0), kind: row.get(1), changed })
    };
    let versions: BTreeMap<_, _> = rows.iter().map(version).collect();
    assert_eq!(versions.len(), rows.len(), "a request made two versions");
    versions
}

/// Whoever was answered before another asked has made, or seen, no later version.
fn out_of_order(operations: &[Operation], version: impl Fn(&Operation) -> Option<i64>) -> usize {
    let mut told: Vec<_> =
        operations.iter().filter_map(|o| Some((o.started, o.ended, version(o)?))).collect();
    told.sort_unstable_by_key(|(_, ended, _)| *ended);
    let mut latest = 0;
    let highest: Vec<_> = told
        .iter()
        .map(|(_, ended, version)| {
            latest = latest.max(*version);
            (*ended, latest)
        })
        .collect();
    let before = |time: u64| {
        let count = highest.partition_point(|(ended, _)| *ended < time);
        count.checked_sub(1).map_or(0, |last| highest[last].1)
    };
    told.iter().filter(|(started, _, version)| before(*started) > *version).count()
}

async fn known_owners(app: &TestApp) -> Vec<Value> {
    let mut owners = Vec::new();
    for _ in 0..OWNERS {
        let owner = app.clock.new_id();
        known(app, owner).await;
        owners.push(json!(owner));
    }
    owners
}

/// What one of the clients sets in a round. Every fourth hands the task on.
fn change_of(owners: &[Value], client: usize, round: usize) -> (&'static str, Value) {
    let unique = CLIENTS * round + client;
    let day = 1 + round % 28;
    match client % 4 {
        0 => ("user_id", owners[(client / 4 + round) % OWNERS].clone()),
        1 => ("title", json!(format!("title {unique}"))),
        2 => ("labels", json!([format!("label {unique}")])),
        _ => ("due_at", json!(format!("2{client:03}-01-{day:02}T00:00:00.{:03}Z", round))),
    }
}

#[tokio::test]
async fn changes_of_owner_and_fields_race_and_none_is_lost() {
    let app = TestApp::start().await;
    let owners = known_owners(&app).await;
    let admins: Vec<Caller<'_>> = (0..CLIENTS).map(|_| app.caller(Role::Admin)).collect();
    let task = admins[0].create(&json!({"title": "x"})).await;
    let path = path_of(&task);
    let nowhere = format!("/v1/tasks/{}", app.clock.new_id());
    let nothing = admins[0].patch(&nowhere, &json!({"title": "x"}));
    let fleets = Fleets::start(&app, &[(6, nothing)]).await;
    let operations = race(&app, &fleets, |client, round| {
        let (field, value) = change_of(&owners, client, round);
        (Some((field, value.clone())), admins[client].patch(&path, &json!({ field: value })))
    })
    .await;

    let versions = versions(&app).await;
    let mut found = Vec::new();
    let mut last: BTreeMap<&str, (i64, &Value)> = BTreeMap::new();
    for operation in &operations {
        let (field, value) = operation.set.as_ref().expect("something to set");
        if operation.reply.status() != 200 {
            found.push(fleets.failure(operation));
            continue;
        }
        let shown = operation.reply.json();
        if shown[field] != *value {
            found.push(format!("{}: {field} is not what was set", operation.id()));
        }
        match versions.get(operation.id()) {
            Some(version) => {
                if shown["version"] != version.number || !version.changed.contains(*field) {
                    found.push(format!("{}: not the version that it made", operation.id()));
                }
                let newer = last.get(field).is_none_or(|(number, _)| *number < version.number);
                if newer {
                    last.insert(field, (version.number, value));
                }
            }
            // Only an owner can be given what they have.
            None if *field == "user_id" => {}
            None => found.push(format!("{}: acknowledged and lost", operation.id())),
        }
    }
    let task = admins[0].get(&path).send().await.expect(200).json();
    found.extend(
        last.iter()
            .filter(|(field, (_, value))| task[**field] != **value)
            .map(|(field, _)| format!("{field} is not what was set last")),
    );
    if task["version"] != versions.len() {
        found.push(format!("version {} after {} events", task["version"], versions.len()));
    }
    let order = out_of_order(&operations, |o| {
        (o.reply.status() == 200).then(|| o.reply.json()["version"].as_i64().expect("a version"))
    });
    if order > 0 {
        found.push(format!("{order} answers are older than what was known"));
    }
    found.extend(app.db.broken_laws().await);

    let (count, (reruns, most)) = (operations.len(), fleets.reruns());
    let moves = versions.values().filter(|version| version.changed.contains("user_id")).count();
    say(&format!(
        "owners: {count} changes, {moves} moves, {reruns} begun anew, by up to {most} statements, \
         wrong: {} {:?}",
        found.len(),
        found.first()
    ));
    assert!(count >= 1000);
    assert!(reruns > 0, "nobody lost a race: the test shows nothing");
    assert_eq!(found, Vec::<String>::new());
}

#[tokio::test]
async fn deletions_restorations_and_changes_race_and_each_finds_what_it_needs() {
    let app = TestApp::start().await;
    let admins: Vec<Caller<'_>> = (0..CLIENTS).map(|_| app.caller(Role::Admin)).collect();
    let path = path_of(&admins[0].create(&json!({"title": "x"})).await);
    let nowhere = format!("/v1/tasks/{}", app.clock.new_id());
    let nothing = [
        (3, admins[0].patch(&nowhere, &json!({"title": "x"}))),
        (2, admins[0].delete(&nowhere)),
        (2, admins[0].call("POST", &format!("{nowhere}/restore"))),
    ];
    let fleets = Fleets::start(&app, &nothing).await;
    let operations = race(&app, &fleets, |client, round| {
        let caller = &admins[client];
        match client % 4 {
            0 => (None, caller.delete(&path)),
            1 => (None, caller.call("POST", &format!("{path}/restore"))),
            _ => {
                let title = json!(format!("{client}-{round}"));
                (Some(("title", title.clone())), caller.patch(&path, &json!({"title": title})))
            }
        }
    })
    .await;

    let versions = versions(&app).await;
    let mut found = Vec::new();
    let mut answers: BTreeMap<(&str, u16), usize> = BTreeMap::new();
    for operation in &operations {
        let version = versions.get(operation.id());
        let kind = match operation.reply.status() {
            204 => Some("task.deleted"),
            200 if operation.set.is_some() => Some("task.updated"),
            200 => Some("task.restored"),
            404 | 409 => None,
            _ => {
                found.push(fleets.failure(operation));
                continue;
            }
        };
        if version.map(|version| version.kind.as_str()) != kind {
            found.push(format!("{}: {kind:?} has another event, or none", operation.id()));
        }
        let what = if operation.set.is_some() { "change" } else { kind.unwrap_or("other") };
        *answers.entry((what, operation.reply.status())).or_default() += 1;
    }
    // What was deleted is deleted until it is restored, and only that can be restored.
    let mut by_number: Vec<_> = versions.values().collect();
    by_number.sort_unstable_by_key(|version| version.number);
    let mut deleted = false;
    for version in by_number {
        let needs_deleted = version.kind == "task.restored";
        if version.number > 1 && deleted != needs_deleted {
            found.push(format!("version {}: {}", version.number, version.kind));
        }
        deleted = version.kind == "task.deleted";
    }
    let order = out_of_order(&operations, |o| versions.get(o.id()).map(|version| version.number));
    if order > 0 {
        found.push(format!("{order} versions are older than what was known"));
    }
    let in_trash = "SELECT count(*) FROM app.tasks WHERE deleted_at IS NOT NULL";
    if app.db.count(in_trash, &[]).await != i64::from(deleted) {
        found.push("the last event does not tell where the task is".to_owned());
    }
    found.extend(app.db.broken_laws().await);
    say(&format!(
        "trash: {} requests, answers {answers:?}, wrong: {} {:?}",
        operations.len(),
        found.len(),
        found.first()
    ));
    assert!(operations.len() >= 1000);
    for answer in [("change", 200), ("change", 404), ("task.deleted", 204), ("task.restored", 200)]
    {
        assert!(answers.contains_key(&answer), "{answer:?} never: the test shows little");
    }
    assert_eq!(found, Vec::<String>::new());
}
