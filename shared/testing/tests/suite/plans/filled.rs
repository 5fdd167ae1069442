//! A database with 100,000 tasks of 1,000 people, and 10,000 people in all.

use testing::TestApp;
use uuid::Uuid;

/// Fills it. `heavy` owns 5,000 tasks, which are the oldest of all; the other people own few or many, as
/// it happens. One task in 200 is in the trash, one in 997 has the label `rare`.
///
/// Nobody has made these tasks, so nothing tells of them: the laws do not hold.
pub(super) async fn fill(app: &mut TestApp, heavy: Uuid) {
    app.db.outlaw();
    app.db
        .run(
            "INSERT INTO app.users (id, username, name, email)
             SELECT md5('user ' || n)::uuid, 'user ' || n, md5(n::text),
                 'user-' || n || '@example.com'
             FROM generate_series(1, 10000) AS n;",
        )
        .await;
    app.db
        .rows(
            "INSERT INTO app.tasks (id, user_id, title, description, status, priority, due_at, labels,
                 assignee_id, version, last_op, created_at, updated_at, completed_at, deleted_at)
             SELECT md5('task ' || n)::uuid,
                 CASE WHEN n <= 5000 THEN $1 ELSE md5('user ' || 1 + n * n % 99991 % 999)::uuid END,
                 'Task ' || n || ' ' || md5(n::text),
                 CASE WHEN n % 3 = 0 THEN 'about ' || md5('about ' || n) END,
                 status,
                 (ARRAY['low', 'normal', 'normal', 'high', 'urgent'])[1 + n % 5],
                 CASE WHEN n % 4 > 0 THEN timestamptz '2026-06-01' + n * interval '1 minute' END,
                 CASE WHEN n % 997 = 0 THEN ARRAY['rare', 'work'] WHEN n % 2 = 0 THEN ARRAY['work']
                     ELSE '{}' END,
                 CASE WHEN n % 300 = 0 THEN $1
                     WHEN n % 3 = 0 THEN md5('user ' || 1 + n % 991)::uuid END,
                 1, md5('task ' || n)::uuid, t, t + n % 1000 * interval '1 hour',
                 CASE WHEN status = 'completed' THEN t END,
                 CASE WHEN n % 200 = 7 THEN t END
             FROM generate_series(1::bigint, 100000) AS n,
                 LATERAL (SELECT
                     (ARRAY['pending', 'in_progress', 'rejected'])[1 + n % 8] AS open,
                     timestamptz '2026-01-01' + n * interval '1 minute' AS t) AS various,
                 LATERAL (SELECT coalesce(open, 'completed') AS status) AS known",
            &[&heavy],
        )
        .await;
    app.db
        .run(
            "INSERT INTO app.user_state
             SELECT user_id, 1, count(*) FILTER (WHERE deleted_at IS NULL) FROM app.tasks
             GROUP BY user_id",
        )
        .await;
    // As autovacuum does after so many rows: then an index alone can tell how many there are.
    app.db.run("VACUUM (ANALYZE) app.users, app.tasks, app.user_state").await;
}
