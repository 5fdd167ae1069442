//! Services, issuer and functions of the benchmark's own.

use std::collections::{BTreeMap, HashMap};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use clock::Clock;
use issuer::{Issuer, Realm};
use local::cloud::{self, Addresses, Home, Programs};
use local::lambda::{Function, Settings};
use local::template::Template;
use mailbox::Mailbox;
use redis::Cmd;
use serde_json::Value;
use services::{Folder, Services, checkout, free_port};
use tokio_postgres::Client;
use tokio_postgres::config::SslMode;

use crate::Failed;
use crate::journal::Journal;

/// The functions in front that are measured.
pub(crate) const FUNCTIONS: [&str; 4] = ["tasks-get", "tasks-create", "tasks-list", "migrate"];
/// Those that nobody waits for.
pub(crate) const BEHIND: [&str; 5] =
    ["outbox-relay", "notifications-worker", "analytics-worker", "audit-worker", "exports-worker"];
/// What those need to be measured.
const FOR_BEHIND: [&str; 2] = ["tasks-create", "migrate"];
/// The function that does nothing.
pub(crate) const NOTHING: &str = "do-nothing";
/// By what writers know that the relay is awake.
const HEARTBEAT: &str = "relay:alive";
/// The database of the template.
pub(crate) const DATABASE: &str = "tasks";

/// What everything is measured on.
pub(crate) struct Rig {
    pub(crate) services: Services,
    pub(crate) issuer: Issuer,
    pub(crate) mailbox: Mailbox,
    pub(crate) template: Template,
    pub(crate) clock: Clock,
    pub(crate) journal: Journal,
    settings: HashMap<String, Settings>,
}

impl Rig {
    /// Starts the services, with data that survives a power cut, the issuer and the mail catcher.
    pub(crate) fn start(folder: &Path, only_behind: bool) -> Result<Self, Failed> {
        let addresses = addresses()?;
        let services = Services::start(&services::Settings {
            dir: folder.to_owned(),
            ports: addresses.services(),
            durable: true,
            keep_data: false,
            redis_cluster: false,
            secrets: cloud::secrets(&addresses),
        })?;
        let realm = Realm::read(checkout().join("localstack/keycloak/task-manager-realm.json"))?;
        let issuer = Issuer::start(realm, SocketAddr::from((Ipv4Addr::LOCALHOST, addresses.auth)))?;
        let mailbox = mailbox(&addresses, services.folder())?;

        let text = std::fs::read_to_string(checkout().join("template.yaml"))?;
        let template = Template::read(&text, &cloud::place(&addresses, services.state()))?;
        let mut measured = template.clone();
        let front = if only_behind { &FOR_BEHIND[..] } else { &FUNCTIONS[..] };
        measured.functions.retain(|function| {
            let name = function.name.as_str();
            front.contains(&name) || BEHIND.contains(&name)
        });
        let mut of_all = cloud::settings(services.state());
        // What is measured is not how requests are refused.
        of_all.insert("RATE_LIMITS".into(), r#"{"user": "1000000/1", "ip": "1000000/1"}"#.into());

        let (clock, journal) = (Clock::system(), Journal::default());
        let programs = Programs::beside_ours(&Home::at(folder.to_owned()))?;
        let functions = cloud::functions(&measured, &programs, &of_all, &clock, &journal.logs())?;
        let mut settings: HashMap<String, Settings> = functions
            .into_iter()
            .map(|(name, function)| (name, function.settings().clone()))
            .collect();
        if let Some(get) = settings.get("tasks-get").cloned() {
            let program = programs.take(NOTHING)?;
            settings
                .insert(NOTHING.to_owned(), Settings { name: NOTHING.to_owned(), program, ..get });
        }
        Ok(Self { services, issuer, mailbox, template, clock, journal, settings })
    }

    /// How a function runs.
    pub(crate) fn settings(&self, name: &str) -> Result<Settings, Failed> {
        Ok(self.settings.get(name).ok_or_else(|| format!("template.yaml has no {name}"))?.clone())
    }

    /// How a function runs that uses another database.
    pub(crate) fn settings_in(&self, database: &str, name: &str) -> Result<Settings, Failed> {
        let mut settings = self.settings(name)?;
        change_database(&mut settings.environment, database);
        Ok(settings)
    }

    /// A function, none of whose processes runs yet.
    pub(crate) fn function(&self, name: &str) -> Result<Function, Failed> {
        Ok(self.run(self.settings(name)?))
    }

    /// A function that uses another database, and no cache.
    pub(crate) fn uncached(&self, name: &str, database: &str) -> Result<Function, Failed> {
        let mut settings = self.settings_in(database, name)?;
        for life in ["CACHE_TASK_SECONDS", "CACHE_LIST_SECONDS"] {
            settings.environment.insert(life.to_owned(), "0".to_owned());
        }
        Ok(self.run(settings))
    }

    /// A function with settings of its own.
    pub(crate) fn run(&self, settings: Settings) -> Function {
        Function::new(settings, self.clock.clone(), self.journal.logs())
    }

    /// Brings a database up to date; makes it, if it is not there.
    pub(crate) async fn migrate(&self, database: &str) -> Result<(), Failed> {
        let function = self.run(self.settings_in(database, "migrate")?);
        let report: Value = serde_json::from_slice(&function.invoke("{}".into(), "").await?)?;
        if report["version"].as_i64().is_none() {
            return Err(format!("migrate answered {report}").into());
        }
        Ok(())
    }

    /// Has writers believe that the relay is awake, as it is while there are writes; or no longer.
    pub(crate) async fn pretend_awake(&self, awake: bool) -> Result<(), Failed> {
        let client = redis::Client::open(self.services.state().redis.url.as_str())?;
        let mut connection = client.get_multiplexed_async_connection().await?;
        let command = if awake { Cmd::set(HEARTBEAT, "bench") } else { Cmd::del(HEARTBEAT) };
        Ok(command.exec_async(&mut connection).await?)
    }

    /// A connection as superuser, past the pooler.
    pub(crate) async fn admin(&self, database: &str) -> Result<Client, Failed> {
        self.connect(self.services.state().postgres.port, database).await
    }

    /// A connection as superuser, through the pooler.
    pub(crate) async fn pooled(&self, database: &str) -> Result<Client, Failed> {
        self.connect(self.services.state().pgbouncer.port, database).await
    }

    async fn connect(&self, port: u16, database: &str) -> Result<Client, Failed> {
        let state = self.services.state();
        let (client, connection) = tokio_postgres::Config::new()
            .host("127.0.0.1")
            .port(port)
            .dbname(database)
            .user(&state.admin.username)
            .password(&state.admin.password)
            .ssl_mode(SslMode::Require)
            .connect(db::tls::client(Some(&state.ca_file), &[])?)
            .await?;
        tokio::spawn(connection);
        Ok(client)
    }
}

/// The same server, another database.
fn change_database(environment: &mut BTreeMap<String, String>, database: &str) {
    if let Some(url) = environment.get_mut("DATABASE_URL")
        && let Some((server, _)) = url.rsplit_once('/')
    {
        *url = format!("{server}/{database}");
    }
}

/// It demands TLS and a password, as that of the local cloud does.
fn mailbox(addresses: &Addresses, folder: &Folder) -> Result<Mailbox, Failed> {
    let certificates = folder.certificates()?;
    Ok(Mailbox::start(mailbox::Settings {
        smtp: SocketAddr::from((Ipv4Addr::LOCALHOST, addresses.smtp)),
        web: SocketAddr::from((Ipv4Addr::LOCALHOST, addresses.mail)),
        tls: Some(mailbox::TlsFiles {
            certificate: certificates.certificate_file,
            key: certificates.key_file,
        }),
        credentials: Some(mailbox::Credentials {
            username: addresses.smtp_user.clone(),
            password: addresses.smtp_password.clone(),
        }),
        dir: None,
    })?)
}

/// Ports that nobody uses.
fn addresses() -> Result<Addresses, Failed> {
    let usual = Addresses::moved_by(0)?;
    Ok(Addresses {
        api: free_port()?,
        auth: free_port()?,
        mail: free_port()?,
        smtp: free_port()?,
        postgres: free_port()?,
        pgbouncer: free_port()?,
        redis: free_port()?,
        localstack: free_port()?,
        database: DATABASE.to_owned(),
        ..usual
    })
}
