//! Fills a database with tasks that people might have.

use tokio_postgres::Client;

use crate::Failed;
use crate::measure::step;

/// The one who owns a twentieth of all tasks comes first, then some of the others.
pub(super) const PEOPLE: &str = "
    SELECT id FROM (
        SELECT md5('user ' || n)::uuid AS id, n FROM generate_series(0, 5 * $1::bigint) AS n
    ) AS people
    WHERE (SELECT count(*) FROM app.user_state WHERE user_id = id AND task_count > 20) > 0
    ORDER BY n LIMIT $1::bigint";

/// Some of somebody's tasks, from all of their years.
pub(super) const TASKS_OF: &str = "
    SELECT id FROM app.tasks WHERE user_id = $1 AND deleted_at IS NULL
    ORDER BY md5(id::text) LIMIT $2";

/// How large the database is, in GiB.
pub(super) const SIZE: &str = "SELECT pg_database_size(current_database()) / 1024::float8 ^ 3";

/// The indexes of the table of tasks, but for its key.
const INDEXES: &str = "
    SELECT i.indexrelid::regclass::text, replace(pg_get_indexdef(i.indexrelid), ' ON ONLY ', ' ON ')
    FROM pg_index AS i WHERE i.indrelid = 'app.tasks'::regclass AND NOT i.indisprimary";

/// Rows come in the order of time, as they do in life. The words of a title are of a small vocabulary.
const ROWS: &str = "
    INSERT INTO app.tasks (id, user_id, title, description, status, priority, due_at, labels,
        assignee_id, version, last_op, created_at, updated_at, completed_at, deleted_at)
    SELECT id, md5('user ' || owner)::uuid,
        (ARRAY['Renew', 'Check', 'Write', 'Move', 'Review', 'Plan', 'Order', 'Fix'])[1 + h % 8] || ' the '
            || (ARRAY['certificate', 'invoice', 'report', 'server', 'contract', 'backup'])[1 + h / 8 % 6]
            || ' of ' || (ARRAY['March', 'Berlin', 'marketing', 'the north', 'room'])[1 + h / 48 % 5]
            || ' ' || h % 10000,
        CASE WHEN h % 3 = 0 THEN 'Before the end of the week; see the handbook, chapter ' || h % 90 END,
        status,
        (ARRAY['low', 'normal', 'normal', 'high', 'urgent'])[1 + h / 7 % 5],
        CASE WHEN h % 4 > 0 THEN t + h % 90 * interval '1 day' END,
        CASE WHEN h % 997 = 0 THEN ARRAY['rare', 'work'] WHEN h % 2 = 0 THEN ARRAY['work'] ELSE '{}' END,
        CASE WHEN h % 3 = 1 THEN md5('user ' || 1 + h / 3 % $2::int)::uuid END,
        1, id, t, t + h % 1000 * interval '1 minute',
        CASE WHEN status = 'completed' THEN t + interval '1 day' END,
        CASE WHEN h % 200 = 7 THEN t + interval '2 days' END
    FROM generate_series(1, $1::int) AS n,
        LATERAL (SELECT ('x' || substr(md5(n::text), 1, 7))::bit(28)::int AS h) AS hashed,
        LATERAL (SELECT
            CASE WHEN h % 20 = 0 THEN 0 ELSE 1 + h / 20 % $2::int END AS owner,
            coalesce((ARRAY['pending', 'in_progress', 'rejected'])[1 + h / 11 % 8], 'completed') AS status,
            timestamptz '2024-01-01' + n * (interval '2 years' / $1::int) AS t) AS various,
        LATERAL (SELECT (lpad(to_hex((extract(epoch FROM t) * 1000)::bigint), 12, '0') || '7'
            || substr(md5('task ' || n), 1, 3) || '8' || substr(md5('task ' || n), 4, 15))::uuid AS id) AS named";

/// How many people there are: so that each owns about as much, whatever the number of tasks.
const TASKS_EACH: u32 = 200;

/// From here on it takes minutes, of which each part is told.
const MANY: u32 = 1_000_000;

/// Makes so many tasks. Nobody has made these, so no events tell of them.
pub(in crate::measure) async fn fill(client: &Client, rows: u32) -> Result<(), Failed> {
    let people = i32::try_from(rows / TASKS_EACH)?.max(10);
    client
        .batch_execute(
            "SET synchronous_commit = off; SET maintenance_work_mem = '1GB'; SET work_mem = '256MB';
             SET max_parallel_maintenance_workers = 2; SET statement_timeout = 0",
        )
        .await?;
    // Built at the end, an index takes a fraction of the time.
    let indexes: Vec<(String, String)> =
        client.query(INDEXES, &[]).await?.iter().map(|row| (row.get(0), row.get(1))).collect();
    for (name, _) in &indexes {
        client.batch_execute(&format!("DROP INDEX {name}")).await?;
    }
    client.execute(ROWS, &[&i32::try_from(rows)?, &people]).await?;
    for (name, definition) in &indexes {
        if rows >= MANY {
            step(format_args!("  {rows} tasks, index {name}"));
        }
        client.batch_execute(definition).await?;
    }
    client
        .execute(
            "INSERT INTO app.users (id, username, name, email)
             SELECT md5('user ' || n)::uuid, 'user ' || n, md5(n::text), 'user-' || n || '@example.com'
             FROM generate_series(0, $1::int) AS n",
            &[&people],
        )
        .await?;
    client
        .batch_execute(
            "INSERT INTO app.user_state
             SELECT user_id, 1, count(*) FILTER (WHERE deleted_at IS NULL) FROM app.tasks GROUP BY user_id",
        )
        .await?;
    if rows >= MANY {
        step("  cleaning up, as autovacuum does");
    }
    // As autovacuum does after so many rows.
    client.batch_execute("VACUUM (ANALYZE) app.users, app.tasks, app.user_state").await?;
    client.batch_execute("CHECKPOINT").await?;
    Ok(())
}
