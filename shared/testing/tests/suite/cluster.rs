//! A Postgres and a pooler of a test's own; on request a replica, too, with a pooler before it.

use std::time::Duration;

use config::defaults::BREAKER_FIRST_PAUSE;
use domain::Role;
use serde_json::json;
use services::{Folder, PgBouncer, Postgres, StopMode, free_port};
use testing::{Call, Proxy, Reply, Setup, TestApp, rig};
use tokio_postgres::Client;

use crate::support;

/// How long the replica gets to do what it was told.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(20);

/// What can be stopped and delayed without harm to other tests. Its database is migrated.
pub(crate) struct Cluster {
    pub(crate) postgres: Postgres,
    pub(crate) pooler: PgBouncer,
    replica: Option<Replica>,
    folder: Folder,
    credentials: Vec<(&'static str, &'static str, String)>,
}

/// The reader, as Aurora's: it lags.
pub(crate) struct Replica {
    pub(crate) postgres: Postgres,
    pub(crate) pooler: PgBouncer,
}

impl Cluster {
    /// A cluster without a replica. No two tests have the same `name`.
    pub(crate) async fn start(name: &str) -> Self {
        let folder = support::own_folder(name);
        let mut postgres = Postgres::create(&folder, port(), false).expect("a cluster");
        postgres.start().expect("Postgres starts");
        let mut pooler = PgBouncer::create(&folder, port(), &postgres.address()).expect("a pooler");
        pooler.start().expect("PgBouncer starts");
        let mut cluster = Self { postgres, pooler, replica: None, folder, credentials: Vec::new() };
        cluster.migrate().await;
        cluster
    }

    /// A cluster whose replica applies a commit when it is `delay` old. The replica has all that the
    /// migrations made.
    pub(crate) async fn with_replica(name: &str, delay: Duration) -> Self {
        let mut cluster = Self::start(name).await;
        let folder = &cluster.folder;
        let mut postgres =
            Postgres::replica_of(folder, port(), &cluster.postgres, delay).expect("a copy");
        postgres.start().expect("the replica starts");
        let mut pooler =
            PgBouncer::for_replica(folder, port(), &postgres.address()).expect("a pooler");
        pooler.start().expect("the replica's PgBouncer starts");
        cluster.replica = Some(Replica { postgres, pooler });
        cluster
    }

    async fn migrate(&mut self) {
        let mut env = rig()
            .migrate_env("postgres")
            .with("DATABASE_URL", url(self.postgres.address().port))
            .with("DATABASE_CA_FILE", self.ca_file());
        for user in self.folder.users().expect("users").all() {
            let role = if user.username == services::ADMIN { "admin" } else { &user.username };
            let setting = format!("DATABASE_{}_CREDENTIALS", role.to_uppercase());
            let secret = json!({"username": user.username, "password": user.password}).to_string();
            env = env.with(&format!("{setting}_ARN"), "").with(&setting, &secret);
            if let Some(role) = ["api_read", "api_write"].into_iter().find(|r| *r == role) {
                self.credentials.push((role, "DATABASE_CREDENTIALS", secret));
            }
        }
        let settings = migrate::Settings::from_env(&env).expect("settings");
        let secrets = config::Secrets::new(clock::Clock::system());
        migrate::run(&settings, &secrets).await.expect("the migrations run");
    }

    /// What makes an app use this cluster. The app's own database, `app.db`, is then nobody's.
    pub(crate) fn setup(&self) -> Setup {
        let mut env = vec![
            ("DATABASE_URL", url(self.pooler.address().port)),
            ("DATABASE_CA_FILE", self.ca_file()),
        ];
        if let Some(replica) = &self.replica {
            env.push(("DATABASE_READER_URL", url(replica.pooler.address().port)));
        }
        Setup { env, credentials: self.credentials.clone(), ..Setup::default() }
    }

    /// The same, through a proxy before each of the two poolers.
    pub(crate) fn setup_through(&self, writer: &Proxy, reader: &Proxy) -> Setup {
        let mut setup = self.setup();
        setup.env.push(("DATABASE_URL", url(writer.port())));
        setup.env.push(("DATABASE_READER_URL", url(reader.port())));
        setup
    }

    /// A proxy before the pooler of the writer, and one before that of the reader.
    pub(crate) async fn proxies(&self) -> (Proxy, Proxy) {
        let writer = Proxy::to(self.pooler.address().port).await;
        (writer, Proxy::to(self.replica().pooler.address().port).await)
    }

    /// The replica and its pooler, to look at.
    pub(crate) fn replica(&self) -> &Replica {
        self.replica.as_ref().expect("a cluster with a replica")
    }

    /// Ends the replica; its pooler stays.
    pub(crate) fn stop_replica(&mut self, mode: StopMode) {
        let replica = self.replica.as_mut().expect("a cluster with a replica");
        replica.postgres.stop(mode).expect("the replica stops");
    }

    /// Starts the replica again: with the delay that it had, and what it has missed.
    pub(crate) fn start_replica(&mut self) {
        let replica = self.replica.as_mut().expect("a cluster with a replica");
        replica.postgres.start().expect("the replica starts again");
    }

    /// Changes how old a commit is before the replica applies it. Holds for all that is written
    /// after this returns, and for what the replica holds back already.
    pub(crate) async fn replica_delay(&self, delay: Duration) {
        let wanted = delay.as_millis().to_string();
        let admin = self.replica_admin().await;
        for sql in [
            &*format!("ALTER SYSTEM SET recovery_min_apply_delay = '{wanted}ms'"),
            "SELECT pg_reload_conf()",
        ] {
            admin.batch_execute(sql).await.expect("a new delay");
        }
        // The server tells all its processes before it starts one for a new connection with the
        // new settings.
        self.until("the new delay", async || {
            let setting = "SELECT setting FROM pg_settings WHERE name = 'recovery_min_apply_delay'";
            let row = self.replica_admin().await.query_one(setting, &[]).await;
            row.expect("the delay").get::<_, String>(0) == wanted
        })
        .await;
    }

    /// Waits until the replica shows all that was committed before this call. That takes the delay,
    /// which is to be shorter than half a minute.
    pub(crate) async fn caught_up(&self) {
        let written = "SELECT pg_current_wal_flush_lsn()::text";
        let row = self.admin().await.query_one(written, &[]).await.expect("a position");
        let written: String = row.get(0);
        let replica = self.replica_admin().await;
        let replayed = "SELECT pg_last_wal_replay_lsn() >= $1::text::pg_lsn";
        self.until("the replica to catch up", async || {
            replica.query_one(replayed, &[&written]).await.expect("a position").get(0)
        })
        .await;
    }

    /// Waits until a call is answered by the reader alone. The writer is asked until it is known how far
    /// the reader must have come. A first connection may take longer than a request waits for the reader,
    /// which is then left alone for a while: the clock goes on meanwhile.
    pub(crate) async fn reader_answers(&self, app: &TestApp, reader: &Proxy, call: &Call<'_>) {
        let started = app.clock.now();
        self.until("an answer of the reader", async || {
            let (by_reader, _) = answered_by_reader(reader, call).await;
            // No further than a token lives.
            let moved = app.clock.now().duration_since(started).unwrap_or_default();
            if !by_reader && moved < Duration::from_mins(4) {
                app.clock.advance(BREAKER_FIRST_PAUSE);
            }
            by_reader
        })
        .await;
    }

    /// Asks until the answer is yes.
    pub(crate) async fn until(&self, what: &str, mut ask: impl AsyncFnMut() -> bool) {
        let asking = async {
            while !ask().await {
                tokio::time::sleep(PAUSE).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, asking).await;
        waited.unwrap_or_else(|_| panic!("waited too long for {what}"));
    }

    /// A number, as the primary knows it.
    pub(crate) async fn count(&self, sql: &str) -> i64 {
        self.admin().await.query_one(sql, &[]).await.expect("a count").get(0)
    }

    /// A number, as the replica knows it.
    pub(crate) async fn replica_count(&self, sql: &str) -> i64 {
        self.replica_admin().await.query_one(sql, &[]).await.expect("a count").get(0)
    }

    /// A connection to the primary as superuser, past the pooler.
    pub(crate) async fn admin(&self) -> Client {
        self.connect(&self.postgres).await
    }

    /// A connection to the replica as superuser, past the pooler.
    pub(crate) async fn replica_admin(&self) -> Client {
        self.connect(&self.replica().postgres).await
    }

    async fn connect(&self, server: &Postgres) -> Client {
        let ca_file = self.folder.certificates().expect("certificates").ca_file;
        let tls = db::tls::client(Some(&ca_file), &[]).expect("TLS");
        let admin = server.admin();
        let mut address = tokio_postgres::Config::new();
        address.host("127.0.0.1").port(server.address().port).dbname("postgres");
        address.user(&admin.username).password(&admin.password);
        let (client, connection) = address.connect(tls).await.expect("a connection");
        tokio::spawn(connection);
        client
    }

    fn ca_file(&self) -> String {
        self.folder.certificates().expect("certificates").ca_file.display().to_string()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(Replica { postgres, pooler }) = &mut self.replica {
            let _ = pooler.stop();
            let _ = postgres.stop(StopMode::Immediate);
        }
        let _ = self.pooler.stop();
        let _ = self.postgres.stop(StopMode::Immediate);
        let _ = self.folder.remove();
    }
}

/// Whether a call, which must succeed, is answered by the reader alone; and the answer.
pub(crate) async fn answered_by_reader(reader: &Proxy, call: &Call<'_>) -> (bool, Reply) {
    let before = reader.round_trips();
    let reply = call.send().await.expect(200);
    (reader.round_trips() > before && support::statements(&reply) == 1, reply)
}

fn port() -> u16 {
    free_port().expect("a port")
}

fn url(port: u16) -> String {
    format!("postgres://127.0.0.1:{port}/postgres")
}

/// The tests that read from a replica rest on this.
#[tokio::test]
async fn a_replica_lags_as_long_as_it_is_told_and_comes_back() {
    const TASKS: &str = "SELECT count(*) FROM app.tasks";
    let mut cluster = Cluster::with_replica("cluster", Duration::ZERO).await;
    let app = TestApp::with(cluster.setup()).await;
    let (alice, nobody) = (app.caller(Role::User), app.anonymous());
    let health = async || nobody.get("/health").send().await.expect(200).json()["checks"].clone();
    assert_eq!(
        health().await,
        json!({"database": "up", "replica": "up", "redis": "up", "queue": "up"})
    );

    alice.create(&json!({"title": "at once"})).await;
    cluster.caught_up().await;
    assert_eq!(cluster.replica_count(TASKS).await, 1);

    cluster.replica_delay(Duration::from_hours(1)).await;
    alice.create(&json!({"title": "held back"})).await;
    assert_eq!((cluster.count(TASKS).await, cluster.replica_count(TASKS).await), (2, 1));

    cluster.stop_replica(StopMode::Fast);
    assert_eq!(
        health().await,
        json!({"database": "up", "replica": "down", "redis": "up", "queue": "up"})
    );
    cluster.start_replica();
    assert_eq!(cluster.replica_count(TASKS).await, 1);
    cluster.until("the reader", async || health().await["replica"] == "up").await;

    cluster.replica_delay(Duration::ZERO).await;
    cluster.caught_up().await;
    assert_eq!(cluster.replica_count(TASKS).await, 2);
}
