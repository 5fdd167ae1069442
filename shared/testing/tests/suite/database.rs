//! What the database allows, and what is left behind in it.

use std::collections::BTreeSet;

use domain::Role;
use futures_util::future::join_all;
use serde_json::json;
use testing::{TestApp, TestDatabase, rig};
use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, NoTls};

use crate::support::path_of;

/// A connection through the pooler, as one of the login roles.
async fn as_role(app: &TestApp, role: &str) -> Client {
    let users = testing::rig().state.clone();
    let secret = password(&users.secrets[role]).await;
    rig()
        .connect(users.pgbouncer.port, app.db.name(), role, &secret)
        .await
        .expect("a connection through the pooler")
}

async fn password(arn: &str) -> String {
    use config::{ExposeSecret, SecretRef, Secrets};
    let secrets = Secrets::new(clock::Clock::system());
    let text = secrets.get(&SecretRef::Arn(arn.to_owned())).await.expect("a secret");
    let value: serde_json::Value = serde_json::from_str(text.expose_secret()).unwrap();
    value["password"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn every_statement_fits_the_schema() {
    let app = TestApp::start().await;
    let admin = rig().admin(app.db.name()).await;
    for statement in db::statements() {
        let prepared = admin.prepare_typed(statement.sql, statement.types).await;
        prepared.unwrap_or_else(|e| panic!("{}: {e:?}", statement.name));
        assert!(statement.sql.starts_with(&format!("-- {}\n", statement.name)));
    }
}

#[test]
fn no_statement_holds_what_a_pooler_cannot_pass_on() {
    const FORBIDDEN: [&str; 14] = [
        "SET",
        "SET_CONFIG",
        "NEXTVAL",
        "SETVAL",
        "PG_ADVISORY_LOCK",
        "PG_TRY_ADVISORY_LOCK",
        "LISTEN",
        "NOTIFY",
        "CREATE TEMP",
        "DECLARE",
        "PREPARE",
        "DISCARD",
        "BEGIN",
        "DEALLOCATE",
    ];
    for statement in db::statements() {
        let text = statement.sql.to_uppercase();
        let words: Vec<_> = text.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        let words = format!(" {} ", words.join(" "));
        for word in FORBIDDEN {
            assert!(!words.contains(&format!(" {word} ")), "{} holds {word}", statement.name);
        }
        assert!(text.len() < 16 * 1024, "{} pins the session by its length", statement.name);
    }
}

/// Looks into every session that the pooler keeps for a role: how many prepared statements it has, and
/// which settings were set in it. (The pooler itself keeps `application_name` true to its client.)
async fn sessions_of(app: &TestApp, role: &str) -> Vec<(i32, i64, Vec<String>)> {
    let looks = (0..8).map(|_| async {
        let client = as_role(app, role).await;
        let look = "SELECT pg_backend_pid(), (SELECT count(*) FROM pg_prepared_statements),
                 ARRAY(SELECT name FROM pg_settings
                     WHERE source = 'session' AND name <> 'application_name'), pg_sleep(0.3)";
        let rows = client.query_typed(look, &[]).await.expect("a look");
        (rows[0].get(0), rows[0].get(1), rows[0].get(2))
    });
    let mut sessions: Vec<_> = join_all(looks).await;
    sessions.sort_unstable();
    sessions.dedup();
    sessions
}

#[tokio::test]
async fn nothing_is_left_behind_in_a_pooled_session() {
    let app = TestApp::start().await;
    let alice = app.caller(Role::User);
    let task = path_of(&alice.create(&json!({"title": "x"})).await);
    alice.get(&task).send().await.expect(200);
    let ghost = app.clock.new_id();
    for _ in 0..15 {
        // Fewer at a time than there are connections: a function may be keeping its keys as well.
        // Some are refused inside the function.
        let calls = (0..6).map(|n| {
            let body = json!({"title": "x", "assignee_id": (n % 3 == 0).then_some(ghost)});
            let (create, get) = (alice.post("/v1/tasks", &body).key("k"), alice.get(&task));
            async move {
                let reply = create.send().await;
                if reply.status() != 422 {
                    reply.expect(201);
                }
                get.send().await.expect(200);
            }
        });
        join_all(calls).await;
    }
    for role in ["api_read", "api_write"] {
        // The sessions that the functions have used: every one must be looked into.
        let used: BTreeSet<i32> = app
            .db
            .rows(
                "SELECT pid FROM pg_stat_activity WHERE datname = current_database()
                     AND usename = $1",
                &[&role],
            )
            .await
            .iter()
            .map(|row| row.get(0))
            .collect();
        assert!(!used.is_empty());
        let mut seen = BTreeSet::new();
        for _ in 0..20 {
            for (pid, statements, settings) in sessions_of(&app, role).await {
                assert_eq!((statements, settings), (0, vec![]), "{role}, backend {pid}");
                seen.insert(pid);
            }
            if used.is_subset(&seen) {
                break;
            }
        }
        assert!(used.is_subset(&seen), "{role}: used {used:?}, looked into {seen:?}");
    }
}

#[tokio::test]
async fn each_role_may_do_what_it_needs_and_no_more() {
    let app = TestApp::start().await;
    let may_not = async |client: &Client, sql: &str| {
        let error = client.query_typed(sql, &[]).await.expect_err(sql);
        assert_eq!(error.code().map(SqlState::code), Some("42501"), "{sql}: {error:?}");
    };
    let reader = as_role(&app, "api_read").await;
    reader.query_typed("SELECT count(*) FROM app.tasks", &[]).await.expect("readers read");
    for sql in [
        "DELETE FROM app.tasks",
        "UPDATE app.tasks SET title = 'x'",
        "SELECT * FROM app.users",
        "SELECT * FROM app.idempotency",
        "SELECT * FROM app.jwks",
        "SELECT api.keep_jwks_v1('a', 'b')",
        "CREATE TABLE app.mine ()",
        "CREATE TABLE public.mine ()",
    ] {
        may_not(&reader, sql).await;
    }
    let writer = as_role(&app, "api_write").await;
    for sql in [
        "SELECT * FROM app.tasks",
        "INSERT INTO app.outbox VALUES (gen_random_uuid(), 1, gen_random_uuid(), 'x', '{}')",
        "SELECT * FROM app.users",
        "DROP FUNCTION api.greet_v1",
    ] {
        may_not(&writer, sql).await;
    }
    let worker = as_role(&app, "worker").await;
    worker.query_typed("SELECT count(*) FROM app.tasks", &[]).await.expect("exports read");
    for sql in [
        "UPDATE app.tasks SET title = 'x'",
        "DELETE FROM app.tasks",
        "SELECT * FROM app.users",
        "DELETE FROM app.outbox",
        "DELETE FROM app.audit",
        "UPDATE app.exports SET user_id = gen_random_uuid()",
        "SELECT api.create_task_v2('{}', '{}', '{}')",
    ] {
        may_not(&worker, sql).await;
    }
    // What a role may call is its own list; create is not on the reader's.
    let row = reader
        .query_typed(
            "SELECT has_function_privilege('api_read', oid, 'EXECUTE'),
                 has_function_privilege('api_write', oid, 'EXECUTE')
             FROM pg_proc WHERE proname = 'create_task_v2'",
            &[],
        )
        .await
        .unwrap();
    assert_eq!((row[0].get::<_, bool>(0), row[0].get::<_, bool>(1)), (false, true));
}

#[tokio::test]
async fn sessions_have_limits_without_being_told() {
    let app = TestApp::start().await;
    for role in ["api_read", "api_write", "worker"] {
        let client = as_role(&app, role).await;
        let limits = "SELECT current_setting('statement_timeout'), current_setting('lock_timeout'),
                 current_setting('idle_in_transaction_session_timeout'), current_setting('timezone'),
                 current_setting('jit')";
        let row = &client.query_typed(limits, &[]).await.unwrap()[0];
        let limits: Vec<String> = (0..5).map(|n| row.get(n)).collect();
        assert_eq!(limits, ["3s", "2s", "5s", "UTC", "off"], "{role}");
    }
}

#[tokio::test]
async fn plain_text_connections_are_refused() {
    let app = TestApp::start().await;
    let state = &rig().state;
    let secret = password(&state.secrets["api_read"]).await;
    for (port, words) in
        [(state.postgres.port, "no encryption"), (state.pgbouncer.port, "SSL required")]
    {
        // With TLS the same credentials are good.
        rig().connect(port, app.db.name(), "api_read", &secret).await.expect("with TLS");
        let mut config = tokio_postgres::Config::new();
        config.host("127.0.0.1").port(port).dbname(app.db.name());
        config.user("api_read").password(&secret).ssl_mode(SslMode::Disable);
        let error = config.connect(NoTls).await.err().expect("without TLS");
        let message = error.as_db_error().map(|e| e.message().to_owned()).unwrap_or_default();
        assert!(message.contains(words), "{message}");
    }
}

#[tokio::test]
async fn tasks_lie_in_eight_partitions_by_owner() {
    let app = TestApp::start().await;
    let row = &app
        .db
        .rows(
            "SELECT pg_get_partkeydef(partrelid),
                 (SELECT count(*) FROM pg_inherits WHERE inhparent = partrelid)
             FROM pg_partitioned_table WHERE partrelid = 'app.tasks'::regclass",
            &[],
        )
        .await[0];
    assert_eq!((row.get::<_, String>(0).as_str(), row.get::<_, i64>(1)), ("HASH (user_id)", 8));
}

#[tokio::test]
async fn the_laws_are_noticed_when_they_are_broken() {
    let mut app = TestApp::start().await;
    let alice = app.caller(Role::User);
    alice.create(&json!({"title": "x"})).await;
    assert_eq!(laws(&app.db).await, 0);
    app.db.outlaw();
    app.db.run("UPDATE app.user_state SET task_count = 7").await;
    assert_eq!(laws(&app.db).await, 1);
    app.db.run("DELETE FROM app.outbox").await;
    assert_eq!(laws(&app.db).await, 2);
}

async fn laws(db: &TestDatabase) -> usize {
    db.broken_laws().await.len()
}
