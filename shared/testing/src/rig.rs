//! What all tests of this process share: the services, the issuer, and a migrated database.

use std::path::PathBuf;
use std::sync::OnceLock;

use clock::Clock;
use config::{Env, Secrets};
use domain::event::Queue;
use issuer::{Issuer, Realm};
use local::queues::Queues;
use services::State;
use tokio_postgres::Client;
use tokio_postgres::config::SslMode;

use crate::files::BUCKET;

/// The shared parts.
pub struct Rig {
    /// Where the services are.
    pub state: State,
    /// Who signs in.
    pub issuer: Issuer,
}

/// The database that every test's own is a copy of.
const TEMPLATE: &str = "template_tasks";

/// The shared parts, made at the first call.
pub fn rig() -> &'static Rig {
    static RIG: OnceLock<Rig> = OnceLock::new();
    RIG.get_or_init(|| {
        // Its own thread: the caller may be inside a runtime.
        std::thread::spawn(Rig::start).join().expect("the rig starts")
    })
}

/// An issuer of the realm that no other test shares: it can be stopped, and its keys changed.
pub fn own_issuer() -> Issuer {
    let realm = services::checkout().join("localstack/keycloak/task-manager-realm.json");
    let realm = Realm::read(&realm).expect("the realm export");
    Issuer::start(realm, "127.0.0.1:0".parse().unwrap()).expect("an issuer")
}

impl Rig {
    fn start() -> Self {
        crate::log::capture();
        let env = Env::load().expect("an environment");
        let state: PathBuf = env
            .required("SERVICES_STATE", "tests need real services; run them with `make test`")
            .unwrap_or_else(|error| panic!("{error}"));
        let state = State::read(&state).expect("the services' state");
        let rig = Self { state, issuer: own_issuer() };
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(
            async {
                tokio::join!(
                    rig.make_template(),
                    rig.make_outbox(),
                    rig.make_bucket(),
                    rig.say_that_the_relay_is_awake()
                )
            },
        );
        rig
    }

    /// Makes and migrates the template; fine if another test process did, which the lock of `migrate`
    /// makes wait.
    async fn make_template(&self) {
        self.migrate(TEMPLATE).await.unwrap_or_else(|error| panic!("the migrations run: {error}"));
    }

    /// Makes the queue of those tests that have none of their own.
    async fn make_outbox(&self) {
        let localstack = &self.state.localstack;
        let queues = Queues::connect(&localstack.url, &localstack.region);
        let outbox = queues.client().create_queue().queue_name(Queue::Outbox.name());
        outbox.send().await.expect("a queue");
    }

    /// Makes the bucket of all tests: each export has a place of its own in it.
    async fn make_bucket(&self) {
        let localstack = &self.state.localstack;
        let queues = Queues::connect(&localstack.url, &localstack.region);
        queues.create_buckets(&[BUCKET.to_owned()]).await.expect("a bucket");
    }

    /// Most tests are not about the relay: their writers shall not wake it.
    async fn say_that_the_relay_is_awake(&self) {
        if self.state.redis.cluster {
            return;
        }
        let mut redis = self.redis().await;
        let said = redis::cmd("SET").arg("relay:alive").arg("a test").exec_async(&mut redis).await;
        said.expect("Redis listens");
    }

    /// A connection to the shared Redis.
    pub(crate) async fn redis(&self) -> redis::aio::MultiplexedConnection {
        let client = redis::Client::open(self.state.redis.url.as_str()).expect("an address");
        client.get_multiplexed_async_connection().await.expect("a connection to Redis")
    }

    /// Runs `migrate` on a database.
    pub async fn migrate(&self, database: &str) -> Result<migrate::Report, migrate::Error> {
        let settings = migrate::Settings::from_env(&self.migrate_env(database))?;
        migrate::run(&settings, &Secrets::new(Clock::system())).await
    }

    /// The settings with which `migrate` reaches a database.
    pub fn migrate_env(&self, database: &str) -> Env {
        let secret = |role: &str| self.state.secrets[role].clone();
        let url = format!("postgres://127.0.0.1:{}/{database}", self.state.postgres.port);
        Env::of([
            ("STAGE", "local".to_owned()),
            ("DATABASE_URL", url),
            ("DATABASE_CA_FILE", self.state.ca_file.display().to_string()),
            ("DATABASE_ADMIN_CREDENTIALS_ARN", secret("admin")),
            ("DATABASE_API_READ_CREDENTIALS_ARN", secret("api_read")),
            ("DATABASE_API_WRITE_CREDENTIALS_ARN", secret("api_write")),
            ("DATABASE_WORKER_CREDENTIALS_ARN", secret("worker")),
            ("DATABASE_MIGRATE_CREDENTIALS_ARN", secret("migrate")),
        ])
    }

    /// A connection as superuser, past the pooler.
    pub async fn admin(&self, database: &str) -> Client {
        let admin = &self.state.admin;
        self.connect(self.state.postgres.port, database, &admin.username, &admin.password)
            .await
            .expect("a connection as superuser")
    }

    /// A connection of one's own, to Postgres or to the pooler.
    pub async fn connect(
        &self,
        port: u16,
        database: &str,
        user: &str,
        password: &str,
    ) -> Result<Client, tokio_postgres::Error> {
        let tls = db::tls::client(Some(&self.state.ca_file), &[]).expect("TLS");
        let (client, connection) = tokio_postgres::Config::new()
            .host("127.0.0.1")
            .port(port)
            .dbname(database)
            .user(user)
            .password(password)
            .ssl_mode(SslMode::Require)
            .connect(tls)
            .await?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// Copies the template.
    pub(crate) async fn clone_template(&self, name: &str) {
        let admin = self.admin("postgres").await;
        admin
            .batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {TEMPLATE}"))
            .await
            .expect("a database");
    }
}
