//! A database of one's own.

use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row};
use uuid::Uuid;

use crate::rig::rig;

/// A copy of the migrated database, removed when it is dropped.
pub struct TestDatabase {
    name: String,
    client: Client,
    keep_laws: bool,
}

/// What must hold of any database, however it was used. Each query returns what breaks a law.
const LAWS: [(&str, &str); 5] = [
    (
        "each version of a task has one event (while no relay takes them away)",
        "SELECT t.id::text FROM app.tasks t
         WHERE t.version <> (SELECT count(*) FROM app.outbox o WHERE o.aggregate_id = t.id)",
    ),
    (
        "each event belongs to a version that exists, or to a task that was removed for good",
        "SELECT o.aggregate_id::text FROM app.outbox o
         LEFT JOIN app.tasks t ON t.id = o.aggregate_id AND t.version >= o.aggregate_version
         WHERE t.id IS NULL AND o.type LIKE 'task.%' AND NOT EXISTS (
            SELECT FROM app.outbox last
            WHERE last.aggregate_id = o.aggregate_id AND last.type = 'task.purged'
         )",
    ),
    (
        "each version of a user has one event",
        "SELECT u.id::text FROM app.users u
         WHERE u.version <> (
            SELECT count(*) FROM app.outbox o WHERE o.aggregate_id = u.id AND o.type LIKE 'user.%'
         )",
    ),
    (
        "each event about a user belongs to a version that exists",
        "SELECT o.aggregate_id::text FROM app.outbox o
         LEFT JOIN app.users u ON u.id = o.aggregate_id AND u.version >= o.aggregate_version
         WHERE u.id IS NULL AND o.type LIKE 'user.%'",
    ),
    (
        "the counter of a user's tasks is the number of their live tasks",
        "SELECT user_id::text FROM app.user_state s
         FULL JOIN (
            SELECT user_id, count(*) AS n FROM app.tasks WHERE deleted_at IS NULL GROUP BY user_id
         ) t USING (user_id)
         WHERE coalesce(s.task_count, 0) <> coalesce(t.n, 0)",
    ),
];

impl TestDatabase {
    pub(crate) async fn create() -> Self {
        let name = format!("t_{}", Uuid::now_v7().simple());
        rig().clone_template(&name).await;
        let client = rig().admin(&name).await;
        Self { name, client, keep_laws: true }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// For tests that break the laws on purpose.
    pub fn outlaw(&mut self) {
        self.keep_laws = false;
    }

    /// Runs statements as superuser.
    pub async fn run(&self, sql: &str) {
        self.client.batch_execute(sql).await.unwrap_or_else(|e| panic!("{sql}: {e:?}"));
    }

    /// Rows of a query, as superuser.
    pub async fn rows(&self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Vec<Row> {
        self.client.query(sql, parameters).await.unwrap_or_else(|e| panic!("{sql}: {e:?}"))
    }

    /// A single number.
    pub async fn count(&self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> i64 {
        self.rows(sql, parameters).await[0].get(0)
    }

    /// What breaks a law, if anything does.
    pub async fn broken_laws(&self) -> Vec<String> {
        broken_laws(&self.client).await
    }
}

async fn broken_laws(client: &Client) -> Vec<String> {
    let mut broken = Vec::new();
    for (law, query) in LAWS {
        let offenders = client.query(query, &[]).await.unwrap_or_else(|e| panic!("{law}: {e:?}"));
        if !offenders.is_empty() {
            broken.push(format!("not true: {law} ({} times)", offenders.len()));
        }
    }
    broken
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let judge = self.keep_laws && !std::thread::panicking();
        let name = self.name.clone();
        let judged = judge.then(|| {
            let name = name.clone();
            apart(async move { broken_laws(&rig().admin(&name).await).await })
        });
        // Whatever came of that, the database goes; the services' end would take it too.
        let _ = apart(async move {
            let drop = format!("DROP DATABASE {name} WITH (FORCE)");
            let _ = rig().admin("postgres").await.batch_execute(&drop).await;
        });
        if let Some(judged) = judged {
            let broken = judged.expect("the laws can be judged");
            assert!(broken.is_empty(), "{}", broken.join("\n"));
        }
    }
}

/// Runs work to its end on a thread and a runtime of its own: a test's runtime cannot be waited for
/// from inside itself.
fn apart<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> std::thread::Result<T> {
    std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.unwrap().block_on(work)
    })
    .join()
}
