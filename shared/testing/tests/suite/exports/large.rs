//! Files that are longer than what is kept in memory.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::time::Duration;

use issuer::Person;
use serde_json::{Value, json};
use testing::{Fleet, TestApp};
use uuid::Uuid;

use super::{WORKER, ask, file, make, now, request_of};
use crate::support::say;

/// Gives somebody so many tasks, many of which were made in the same millisecond.
async fn fill(app: &mut TestApp, owner: Uuid, tasks: i32) {
    app.db.outlaw();
    app.db
        .rows(
            "INSERT INTO app.tasks (id, user_id, title, description, status, priority, labels, version,
                 last_op, created_at, updated_at, completed_at)
             SELECT md5($1::uuid::text || n)::uuid, $1, 'Task ' || n || ' ' || md5(n::text),
                 CASE WHEN n % 3 = 0 THEN repeat('about ' || md5('about ' || n) || ' ', 4) END,
                 status, (ARRAY['low', 'normal', 'high', 'urgent'])[1 + n % 4], ARRAY['l' || n % 10],
                 1 + n % 7, md5('op ' || n)::uuid, t, t, CASE WHEN status = 'completed' THEN t END
             FROM generate_series(1, $2::integer) AS n,
                 LATERAL (SELECT
                     timestamptz '2026-01-01' + n / 50 * interval '1 second' AS t,
                     (ARRAY['pending', 'in_progress', 'completed', 'rejected'])[1 + n % 4] AS status) AS various",
            &[&owner, &tasks],
        )
        .await;
    app.db.run("VACUUM (ANALYZE) app.tasks").await;
}

/// How many tasks of each status, how many different ones, and the sum of their versions: in the file …
fn counted(file: &[u8]) -> (BTreeMap<String, i64>, i64, i64) {
    let mut reader = csv::Reader::from_reader(file);
    let mut statuses = BTreeMap::new();
    let (mut ids, mut versions) = (HashSet::new(), 0);
    for row in reader.records() {
        let row = row.expect("a row");
        ids.insert(row[0].parse::<Uuid>().expect("an id"));
        *statuses.entry(row[3].to_owned()).or_default() += 1;
        versions += row[9].parse::<i64>().expect("a version");
    }
    (statuses, i64::try_from(ids.len()).expect("a number"), versions)
}

/// … and in the database.
async fn counted_by_database(app: &TestApp, owner: Uuid) -> (BTreeMap<String, i64>, i64, i64) {
    let sql = "SELECT status, count(*) FROM app.tasks WHERE user_id = $1 GROUP BY 1";
    let statuses = app.db.rows(sql, &[&owner]).await;
    let statuses = statuses.iter().map(|row| (row.get(0), row.get(1))).collect();
    let sql = "SELECT count(*), sum(version)::bigint FROM app.tasks WHERE user_id = $1";
    let row = &app.db.rows(sql, &[&owner]).await[0];
    (statuses, row.get(0), row.get(1))
}

#[tokio::test]
async fn sixty_thousand_tasks_are_each_there_once() {
    let mut app = TestApp::start().await;
    let person = Person::new("heavy", &["user"]);
    let owner = person.sub;
    fill(&mut app, owner, 60_000).await;
    let heavy = app.person(person);
    let export = ask(&heavy, &json!({"kind": "tasks"})).await;
    make(&app, &export).await;
    assert_eq!(now(&heavy, &export).await["rows"], 60_000);
    let file = file(&heavy, &export).await.bytes;
    assert!(file.len() > 8 * 1024 * 1024, "one part is enough for {} bytes", file.len());
    let found = counted(&file);
    assert_eq!(found, counted_by_database(&app, owner).await);

    // A filter that little passes is no harder.
    let filter = json!({"label": "l7", "status": "rejected", "priority": "urgent"});
    let export = ask(&heavy, &json!({"kind": "tasks", "filter": filter})).await;
    make(&app, &export).await;
    let sql = "SELECT count(*) FROM app.tasks WHERE user_id = $1 AND labels @> '{l7}'
        AND status = 'rejected' AND priority = 'urgent'";
    assert_eq!(now(&heavy, &export).await["rows"], app.db.count(sql, &[&owner]).await);

    let export = ask(&heavy, &json!({"kind": "report"})).await;
    make(&app, &export).await;
    let report = super::file(&heavy, &export).await.bytes;
    let mut reader = csv::Reader::from_reader(report.as_slice());
    let rows = reader.deserialize::<(String, String, i64)>().map(|row| row.expect("a row"));
    let of_statuses = rows.filter(|row| row.0 == "status").map(|row| (row.1, row.2));
    assert_eq!(of_statuses.collect::<BTreeMap<_, _>>(), found.0);
}

/// The most memory that a process of the worker, which this one has started, has held; in KiB.
fn peak() -> u64 {
    let ours = std::process::id();
    let of = |status: &str, name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok())
    };
    let processes = fs::read_dir("/proc").expect("processes").filter_map(|entry| {
        let status = fs::read_to_string(entry.ok()?.path().join("status")).ok()?;
        // The kernel keeps fifteen letters of a name.
        let worker = status.lines().next()?.ends_with(WORKER);
        (worker && of(&status, "PPid") == Some(ours.into())).then(|| of(&status, "VmHWM"))?
    });
    processes.max().expect("a process of the worker")
}

/// `cargo test -p testing --test suite -- --ignored million --nocapture`, after `cargo build -p exports-worker`.
#[tokio::test]
#[ignore = "takes minutes"]
async fn a_million_tasks_take_no_more_memory() {
    const TASKS: i32 = 1_000_000;
    let mut app = TestApp::start().await;
    let person = Person::new("heavy", &["user"]);
    let owner = person.sub;
    // Nothing is searched for, and these would take most of the time.
    app.db.run("DROP INDEX app.tasks_words; DROP INDEX app.tasks_labels").await;
    fill(&mut app, owner, TASKS).await;
    say("filled");
    // A token for each call: one lives no longer than the work takes.
    let heavy = || app.person(person.clone());
    app.queues().await;
    for format in ["csv", "jsonl"] {
        let export = ask(&heavy(), &json!({"kind": "tasks", "format": format})).await;
        let body = serde_json::to_string(&request_of(&app, &export).await).expect("JSON");
        let fleet = Fleet::patient(WORKER, &app.env_of_worker(WORKER), 1, Duration::from_mins(15));
        let record = json!({
            "messageId": "m", "receiptHandle": "r", "body": body,
            "attributes": {"ApproximateReceiveCount": "1"},
        });
        let watch = app.clock.stopwatch();
        let answer = fleet.work(&json!({"Records": [record]})).await.expect("an answer");
        let (took, peak) = (watch.elapsed(), peak());
        assert_eq!(answer["batchItemFailures"], json!([]), "{:?}", fleet.output());
        let made = now(&heavy(), &export).await;
        say(&format!(
            "{TASKS} tasks as {format}: {} bytes in {took:.1?}, at most {peak} KiB resident",
            made["bytes"]
        ));
        assert_eq!(made["rows"], TASKS);
        let file = file(&heavy(), &export).await.bytes;
        if format == "csv" {
            assert_eq!(counted(&file), counted_by_database(&app, owner).await);
        } else {
            assert_eq!(file.split(|byte| *byte == b'\n').count(), 1_000_001);
            let first = file.split(|byte| *byte == b'\n').next().expect("a line");
            assert!(serde_json::from_slice::<Value>(first).is_ok());
        }
        assert!(peak <= 64 * 1024, "{peak} KiB");
    }
}
