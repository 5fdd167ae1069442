//! How the database finds what happened, among 150,000 events of seven months; and what was counted.

use testing::{Caller, TestApp};
use time::OffsetDateTime;

use super::plan::{Plan, Planner};

/// Fills the audit, with three events of each of 50,000 tasks, and the counts of a year. The months past have
/// the partitions that they once had.
pub(super) async fn fill(app: &TestApp) {
    for back in 2..=6 {
        let partition = format!(
            "DO $$
             DECLARE v_from timestamp := date_trunc('month', now() AT TIME ZONE 'UTC') - interval '{back} months';
             BEGIN
                 EXECUTE format('CREATE TABLE app.%I PARTITION OF app.audit FOR VALUES FROM (%L) TO (%L)',
                     'audit_p' || to_char(v_from, 'YYYYMMDD'),
                     app.uuid_at(v_from AT TIME ZONE 'UTC'),
                     app.uuid_at((v_from + interval '1 month') AT TIME ZONE 'UTC'));
             END $$"
        );
        app.db.run(&partition).await;
    }
    app.db
        .run(
            "INSERT INTO app.audit (id, event, task_id, version, actor_id, owner_id, status, at,
                 request_id, changed, changes)
             SELECT
                 (left(app.uuid_at(at)::text, 14) || '7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
                 (ARRAY['task.created', 'task.updated', 'task.completed'])[1 + n % 3],
                 md5('task ' || n / 3)::uuid, 1 + n % 3, md5('user ' || n % 9973)::uuid,
                 md5('user ' || n % 997)::uuid, 'pending', at, 'request-' || n, '{}', '{}'
             FROM generate_series(0, 149999) AS n,
                 LATERAL (SELECT now() - (150000 - n) * interval '110 seconds' AS at) AS time;
             INSERT INTO app.daily_stats (user_id, day, created)
             SELECT md5('user ' || n)::uuid, current_date - d, 1
             FROM generate_series(1, 300) AS n, generate_series(0, 365) AS d;
             INSERT INTO app.daily_totals (day, created)
             SELECT current_date - d, 300 FROM generate_series(0, 365) AS d;",
        )
        .await;
    app.db.run("VACUUM (ANALYZE) app.audit, app.daily_stats, app.daily_totals").await;
}

/// The plan of a call, which looks into so many partitions of the audit, by one of these indexes.
async fn check(
    planner: &Planner<'_>,
    caller: &Caller<'_>,
    path: &str,
    indexes: &[&str],
    partitions: std::ops::RangeInclusive<usize>,
) -> Plan {
    let plan = planner.of(caller.get(path)).await;
    let steps = plan.steps();
    let of_audit: Vec<_> =
        plan.indexes().into_iter().filter(|index| index.starts_with("audit_")).collect();
    let allowed = of_audit.iter().all(|index| indexes.contains(index));
    assert!(!of_audit.is_empty() && allowed, "{path} reads {of_audit:?}:\n{steps}");
    let looked_into = plan.tables("audit_").len();
    assert!(partitions.contains(&looked_into), "{path}: {looked_into} partitions:\n{steps}");
    // What is empty, because its month has not begun, needs no index.
    let begun = |table: &&str| *table < first_ahead(caller.app()).as_str();
    let whole = plan.read_as_a_whole();
    assert!(!whole.iter().any(begun), "{path} reads {whole:?} as a whole:\n{steps}");
    plan
}

/// The partition of the next month.
fn first_ahead(app: &TestApp) -> String {
    let now = OffsetDateTime::from(app.clock.now());
    let month = u8::from(now.month().next());
    let year = if month == 1 { now.year() + 1 } else { now.year() };
    format!("audit_p{year}{month:02}01")
}

/// A task's history lies in the months since it was made.
pub(super) async fn of_tasks(planner: &Planner<'_>, app: &TestApp, alice: &Caller<'_>) {
    // Assigned to alice, and made in the last of these months.
    app.db
        .run(
            "UPDATE app.tasks SET created_at = now() - interval '10 days'
             WHERE id = md5('task ' || 48000)::uuid",
        )
        .await;
    let sql = "SELECT '/v1/tasks/' || md5('task ' || 48000)::uuid || '/history'";
    let path: String = app.db.rows(sql, &[]).await[0].get(0);
    // More than the first five, after which the plan may be one for all values.
    for _ in 0..8 {
        let plan = check(planner, alice, &path, &["audit_task"], 8..=9).await;
        assert_eq!(plan.statement, "audit.history");
        assert_eq!(plan.indexes().into_iter().filter(|i| i.starts_with("tasks_")).count(), 1);
    }
    let page = alice.get(&format!("{path}?limit=1")).send().await.expect(200).json();
    let next = page["next_cursor"].as_str().expect("a second page");
    check(planner, alice, &format!("{path}?cursor={next}"), &["audit_task"], 8..=9).await;
}

/// Whatever is asked has an index, and months that are not asked for are left out.
pub(super) async fn of_everything(
    planner: &Planner<'_>,
    app: &TestApp,
    alice: &Caller<'_>,
    admin: &Caller<'_>,
) {
    const ALL: std::ops::RangeInclusive<usize> = 14..=14;
    let sql = "SELECT md5('task 49990')::uuid::text, md5('user 17')::uuid::text,
        app.wire_time(now() - interval '70 days'), app.wire_time(now() - interval '69 days')";
    let row = &app.db.rows(sql, &[]).await[0];
    let [task, actor, from, to] = [0, 1, 2, 3].map(|n| row.get::<_, String>(n));
    let days = format!("from={from}&to={to}");
    for (query, indexes, partitions) in [
        (String::new(), &["audit_pkey"][..], ALL),
        ("event=task.completed".to_owned(), &["audit_event", "audit_pkey"], ALL),
        (format!("task_id={task}"), &["audit_task"], ALL),
        (format!("actor_id={actor}"), &["audit_actor"], ALL),
        ("request_id=request-77".to_owned(), &["audit_request"], ALL),
        (format!("actor_id={}", alice.id()), &["audit_actor"], ALL),
        ("event=session.revoked".to_owned(), &["audit_event"], ALL),
        (days.clone(), &["audit_pkey"], 1..=2),
        (format!("{days}&event=task.updated"), &["audit_pkey", "audit_event"], 1..=2),
        (format!("{days}&actor_id={actor}"), &["audit_pkey", "audit_actor"], 1..=2),
        (format!("from={from}"), &["audit_pkey"], 10..=11),
    ] {
        let path = format!("/v1/audit-events?{query}");
        let plan = check(planner, admin, &path, indexes, partitions).await;
        assert_eq!(plan.statement, "audit.list");
        let page = admin.get(&path).send().await.expect(200).json();
        if let Some(next) = page["next_cursor"].as_str() {
            let path = format!("{path}&cursor={next}").replace("?&", "?");
            check(planner, admin, &path, indexes, 1..=14).await;
        }
    }
}

/// One's own tasks are looked up, and days by their key; of everybody's tasks only what is open and due.
pub(super) async fn statistics(planner: &Planner<'_>, alice: &Caller<'_>, viewer: &Caller<'_>) {
    for _ in 0..8 {
        let plan = planner.of(alice.get("/v1/stats")).await;
        let steps = plan.steps();
        assert_eq!(plan.statement, "stats.owned");
        assert_eq!(plan.partitions().len(), 1, "{steps}");
        assert!(plan.indexes().contains("daily_stats_pkey"), "{steps}");
        let plan = planner.of(viewer.get("/v1/stats")).await;
        let steps = plan.steps();
        assert_eq!(plan.statement, "stats.all");
        let of_tasks: Vec<_> =
            plan.indexes().into_iter().filter(|index| index.starts_with("tasks_")).collect();
        assert_eq!((of_tasks, plan.partitions().len()), (vec!["tasks_open_due"], 8), "{steps}");
    }
}
