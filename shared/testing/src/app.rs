//! The functions of the catalog, in this process.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use clock::Clock;
use config::Env;
use config::defaults::FUNCTION_TIMEOUT;
use domain::Role;
use issuer::{Issuer, Person};
use route::{Entry, Function, Need};

use crate::caller::Caller;
use crate::database::TestDatabase;
use crate::reply::Reply;
use crate::rig::rig;
use crate::router::Router;

/// How a test app differs from the usual one.
#[derive(Default)]
pub struct Setup {
    /// The port that the functions take for the pooler's.
    pub database_port: Option<u16>,
    /// An issuer of the test's own.
    pub issuer: Option<Issuer>,
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
    entries: Vec<Entry>,
    functions: HashMap<&'static str, Arc<dyn Function>>,
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
        let issuer = setup.issuer.unwrap_or_else(|| rig.issuer.clone());
        let port = setup.database_port.unwrap_or(rig.state.pgbouncer.port);
        let mut env = Env::of([
            ("STAGE", "local".to_owned()),
            ("PUBLIC_URL", "https://api.example.com".to_owned()),
            ("AUTH_ISSUER", issuer.url().to_owned()),
            ("AUTH_AUDIENCES", "task-api".to_owned()),
            ("DATABASE_URL", format!("postgres://127.0.0.1:{port}/{}", db.name())),
            ("DATABASE_CA_FILE", rig.state.ca_file.display().to_string()),
            ("AWS_LAMBDA_MAX_CONCURRENCY", "8".to_owned()),
        ]);
        for (name, value) in setup.env {
            env = env.with(name, value);
        }
        let clock = Clock::system();
        let entries = catalog::routes();
        let functions = entries
            .iter()
            .map(|entry| {
                let env = env_of(&env, entry);
                let function = (entry.prepare)(&env, clock.clone())
                    .unwrap_or_else(|error| panic!("{}: {error}", entry.spec.name));
                (entry.spec.name, function)
            })
            .collect();
        Self { db, clock, issuer, env, entries, functions }
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
        env_of(&self.env, entry.expect("a function of the catalog"))
    }

    /// Makes an event of a request, as the gateway would: which function, and what it is told.
    pub fn route(&self, method: &str, path: &str) -> (&'static str, route::gateway::Event) {
        Router(&self.entries).event(method, path)
    }

    /// Has a function answer an event.
    pub(crate) async fn answer(
        &self,
        function: &str,
        event: &route::gateway::Event,
        time_left: Option<Duration>,
    ) -> Reply {
        // Through JSON, as every event comes.
        let event = serde_json::to_string(event).unwrap();
        let event = serde_json::from_str(&event).unwrap();
        let function = &self.functions[function];
        Reply::of(function.call(event, time_left.unwrap_or(FUNCTION_TIMEOUT)).await)
    }
}

/// The usual settings, with the database credentials that the template would give this function.
fn env_of(env: &Env, entry: &Entry) -> Env {
    let mut env = env.clone();
    for need in &entry.needs {
        if let Need::Database(role) = need {
            env = env.with("DATABASE_CREDENTIALS_ARN", &rig().state.secrets[*role]);
        }
    }
    env
}
