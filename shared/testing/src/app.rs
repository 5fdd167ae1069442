//! The functions of the catalog, in this process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use clock::Clock;
use config::Env;
use config::defaults::FUNCTION_TIMEOUT;
use domain::Role;
use issuer::{Issuer, Person};
use route::{Entry, Function, Need};

use crate::backstage::{Backstage, outbox_url_of, shared_outbox_url};
use crate::caller::Caller;
use crate::database::TestDatabase;
use crate::files::BUCKET;
use crate::over_http::{self, OverHttp, body_of};
use crate::proxy::Proxy;
use crate::reply::Reply;
use crate::rig::rig;
use crate::router;

/// Limits that nobody reaches.
const NO_LIMITS: &str = r#"{"user": "1000000/60", "ip": "1000000/60", "exports": "1000000/60"}"#;

/// How a test app differs from the usual one.
#[derive(Default)]
pub struct Setup {
    /// The port that the functions take for the pooler's.
    pub database_port: Option<u16>,
    /// The port that the functions take for Redis's.
    pub redis_port: Option<u16>,
    /// The credentials of a database role, as a setting and its value, instead of the usual secret.
    pub credentials: Vec<(&'static str, &'static str, String)>,
    /// Whether writers wake a relay of the test's own, and not the one that nobody hears.
    pub own_relay: bool,
    /// An issuer of the test's own.
    pub issuer: Option<Issuer>,
    /// A clock of the test's own.
    pub clock: Option<Clock>,
    /// Settings that are added, or take the place of the usual ones.
    pub env: Vec<(&'static str, String)>,
}

/// Every function, with a database of its own.
pub struct TestApp {
    /// The database.
    pub db: TestDatabase,
    /// The clock of all functions.
    pub clock: Clock,
    /// Who signs in.
    pub issuer: Issuer,
    env: Env,
    credentials: Vec<(&'static str, &'static str, String)>,
    entries: Vec<Entry>,
    functions: Mutex<HashMap<&'static str, Arc<dyn Function>>>,
    over_http: Option<OverHttp>,
    pub(crate) backstage: Backstage,
}

impl TestApp {
    /// The usual app.
    pub async fn start() -> Self {
        Self::with(Setup::default()).await
    }

    /// An app that differs.
    pub async fn with(setup: Setup) -> Self {
        let rig = rig();
        let db = TestDatabase::create().await;
        let own_issuer = setup.issuer.is_some();
        let issuer = setup.issuer.unwrap_or_else(|| rig.issuer.clone());
        let port = setup.database_port.unwrap_or(rig.state.pgbouncer.port);
        let mut env = Env::of([
            ("STAGE", "local".to_owned()),
            ("PUBLIC_URL", "https://api.example.com".to_owned()),
            ("AUTH_ISSUER", issuer.url().to_owned()),
            ("AUTH_AUDIENCES", "task-api".to_owned()),
            ("DATABASE_URL", format!("postgres://127.0.0.1:{port}/{}", db.name())),
            ("DATABASE_CA_FILE", rig.state.ca_file.display().to_string()),
            ("AUTH_LOGOUT_AUDIENCES", "fastapi-backend,task-worker".to_owned()),
            ("OUTBOX_QUEUE_URL", shared_outbox_url()),
            ("EXPORTS_BUCKET", BUCKET.to_owned()),
            ("S3_PATH_STYLE", "true".to_owned()),
            ("AWS_LAMBDA_MAX_CONCURRENCY", "8".to_owned()),
            // Tests that are about mails name a mail server.
            ("MAIL_FROM", "Task manager <tasks@example.com>".to_owned()),
            ("MAIL_TRANSPORT", "log".to_owned()),
            // Tests that are about the time that Redis gets, or about limits, set their own.
            ("REDIS_CALL_MS", "5000".to_owned()),
            ("RATE_LIMITS", NO_LIMITS.to_owned()),
        ]);
        env = match setup.redis_port {
            Some(port) => env.with("REDIS_URL", format!("redis://127.0.0.1:{port}")),
            None => env
                .with("REDIS_URL", &rig.state.redis.url)
                .with("REDIS_CLUSTER", rig.state.redis.cluster.to_string()),
        };
        if setup.own_relay {
            env = env.with("OUTBOX_QUEUE_URL", outbox_url_of(db.name()));
        }
        for (name, value) in setup.env {
            env = env.with(name, value);
        }
        // Processes have the system's clock, which a test with an issuer of its own moves, too.
        let over_http = setup.clock.is_none() && !own_issuer && over_http::is_wanted();
        let mut app = Self {
            db,
            clock: setup.clock.unwrap_or_else(Clock::system),
            issuer,
            env,
            credentials: setup.credentials,
            entries: catalog::routes(),
            functions: Mutex::default(),
            over_http: None,
            backstage: Backstage::default(),
        };
        if over_http {
            let functions =
                app.entries.iter().map(|entry| (entry.spec.name, app.env_for(&entry.needs)));
            app.over_http = Some(OverHttp::start(functions).await);
        }
        app.restart();
        if setup.own_relay {
            app.queues().await;
        }
        app
    }

    /// An app that keeps no values in its cache: each read asks the database. For tests of the database,
    /// and those that change something behind the app's back.
    pub async fn uncached(setup: Setup) -> Self {
        let never = ["CACHE_TASK_SECONDS", "CACHE_LIST_SECONDS"].map(|name| (name, "0".to_owned()));
        let env = setup.env.into_iter().chain(never).collect();
        Self::with(Setup { env, ..setup }).await
    }

    /// The usual app, whose database is reached through a proxy.
    pub async fn behind(proxy: &Proxy) -> Self {
        Self::with(Setup { database_port: Some(proxy.port()), ..Setup::default() }).await
    }

    /// Starts every function anew, as cold environments do.
    pub fn restart(&self) {
        let start = |entry: &Entry| {
            let function = (entry.prepare)(&self.env_for(&entry.needs), self.clock.clone())
                .unwrap_or_else(|error| panic!("{}: {error}", entry.spec.name));
            (entry.spec.name, function)
        };
        *self.functions.lock().unwrap() = self.entries.iter().map(start).collect();
        if let Some(over_http) = &self.over_http {
            over_http.restart();
        }
    }

    /// The routes.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// A new person with one role.
    pub fn caller(&self, role: Role) -> Caller<'_> {
        self.person(Person::new(role.name(), &[role.name()]))
    }

    /// A new person without a role.
    pub fn without_role(&self) -> Caller<'_> {
        self.person(Person::new("nora", &[]))
    }

    /// A person, with a token of the issuer.
    pub fn person(&self, person: Person) -> Caller<'_> {
        let token = self.issuer.mint(&person);
        Caller::new(self, Some(person), Some(format!("Bearer {token}")))
    }

    /// Whoever sends this `Authorization` header.
    pub fn bearing(&self, authorization: impl Into<String>) -> Caller<'_> {
        Caller::new(self, None, Some(authorization.into()))
    }

    /// Somebody without a token.
    pub fn anonymous(&self) -> Caller<'_> {
        Caller::new(self, None, None)
    }

    /// The settings of one function, for a process of it.
    pub fn env_of(&self, function: &str) -> Env {
        let entry = self.entries.iter().find(|entry| entry.spec.name == function);
        self.env_for(&entry.expect("a function of the catalog").needs)
    }

    /// The usual settings, with the credentials that the template would give a function that needs this.
    pub(crate) fn env_for(&self, needs: &[Need]) -> Env {
        let (mut env, state) = (self.env.clone(), &rig().state);
        for need in needs {
            env = match need {
                Need::Database(role) => match self.credentials.iter().find(|(of, ..)| of == role) {
                    Some((_, setting, value)) => env.with(setting, value),
                    None => env.with("DATABASE_CREDENTIALS_ARN", &state.secrets[*role]),
                },
                Need::Cluster => {
                    let (port, name) = (state.postgres.port, self.db.name());
                    env.with("CLUSTER_URL", format!("postgres://127.0.0.1:{port}/{name}"))
                        .with("CLUSTER_CREDENTIALS_ARN", &state.secrets["migrate"])
                }
                _ => env,
            };
        }
        env
    }

    /// Makes an event of a request, as the gateway would: which function, and what it is told.
    pub fn route(&self, method: &str, path: &str) -> (&'static str, route::gateway::Event) {
        router::event(&self.entries, method, path)
    }

    /// Has a function answer an event.
    pub(crate) async fn answer(
        &self,
        function: &str,
        event: &route::gateway::Event,
        time_left: Option<Duration>,
    ) -> Reply {
        if let Some(over_http) = &self.over_http
            && time_left.is_none()
            && self.is_a_request(event)
        {
            return Reply::of(over_http.answer(event).await);
        }
        // Through JSON, as every event comes.
        let event = serde_json::to_string(event).unwrap();
        let event = serde_json::from_str(&event).unwrap();
        let function = Arc::clone(&self.functions.lock().unwrap()[function]);
        Reply::of(function.call(event, time_left.unwrap_or(FUNCTION_TIMEOUT)).await)
    }

    /// Whether a request would be told of like this: a test may also say what no gateway would.
    fn is_a_request(&self, event: &route::gateway::Event) -> bool {
        let http = &event.request_context.http;
        let (_, usual) = self.route(&http.method, &event.raw_path);
        let usual_http = usual.request_context.http;
        usual.route_key == event.route_key
            && usual_http.source_ip == http.source_ip
            && body_of(event).is_some()
    }
}
