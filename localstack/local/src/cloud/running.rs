//! Starts all of it, keeps it running, and stops it.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use clock::Clock;
use issuer::{Issuer, Realm};
use mailbox::{Credentials, Mailbox, TlsFiles};
use serde_json::Value;
use services::{Services, checkout};
use tokio::runtime::Runtime;

use super::reload::Reload;
use super::{Addresses, Home, Note, Programs, Terminal, functions, place, settings};
use crate::gateway::Gateway;
use crate::lambda::Function;
use crate::queues::{Mapping, Queues};
use crate::schedules::{self, Schedules};
use crate::template::Template;

/// A start that failed, in words that say what to do.
pub(crate) type Failed = Box<dyn std::error::Error + Send + Sync>;

/// The running cloud.
pub struct Cloud {
    runtime: Runtime,
    services: Services,
    gateway: Option<Gateway>,
    functions: HashMap<String, Function>,
    queues: Queues,
    template: Template,
    mappings: Vec<Mapping>,
    schedules: Vec<Schedules>,
    /// Ends when it is dropped.
    _issuer: Issuer,
    _mailbox: Mailbox,
    home: Home,
    terminal: Terminal,
    /// When a service that does not come up is tried again, and after how long once more.
    retry: Option<(Instant, Duration)>,
}

/// The function that brings the database up to date.
pub(super) const MIGRATE: &str = "migrate";
/// What queues and schedules get to finish their work when the cloud stops.
const GRACE: Duration = Duration::from_secs(5);
/// The longest pause between two attempts to start a service again.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

impl Cloud {
    /// Starts everything, and says so as it goes.
    pub fn start(
        addresses: &Addresses,
        home: &Home,
        terminal: &Terminal,
        watch: bool,
    ) -> Result<Self, Failed> {
        for (name, port) in addresses.all() {
            services::require_free(name, port).map_err(|error| {
                format!("{error}; PORT_OFFSET=100 moves all ports of the local cloud")
            })?;
        }
        let services = Services::start(&services::Settings {
            dir: home.path().to_owned(),
            ports: addresses.services(),
            durable: true,
            keep_data: true,
            redis_cluster: false,
        })?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let clock = Clock::system();
        let logs = terminal.logs();

        let text = std::fs::read_to_string(checkout().join("template.yaml"))?;
        let template = Template::read(&text, &place(addresses, services.state()))?;
        let programs = Programs::beside_ours(home)?;
        let of_all = settings(services.state());
        let functions = functions(&template, &programs, &of_all, &clock, &logs)?;

        runtime.block_on(migrate(&functions, terminal))?;
        let queues =
            Queues::connect(&services.state().localstack.url, &services.state().localstack.region);
        runtime.block_on(create_queues(&queues, &template))?;
        let realm = Realm::read(checkout().join("localstack/keycloak/task-manager-realm.json"))?;
        let issuer = Issuer::start(realm, loopback(addresses.auth))?;
        issuer.set_logout_url(Some(format!("{}/oidc/backchannel-logout", addresses.api_url())));
        terminal.say(format_args!("issuer: ready on 127.0.0.1:{}", addresses.auth));

        let mailbox = Mailbox::start(mail_settings(addresses, home, &services)?)?;
        terminal.say(format_args!(
            "mails: ready on 127.0.0.1:{}, SMTP :{}",
            addresses.mail, addresses.smtp
        ));

        let listen = loopback(addresses.api);
        let gateway = Gateway::start(listen, &template, &functions, clock.clone(), logs.clone());
        let gateway = Some(runtime.block_on(gateway)?);
        terminal.say(format_args!(
            "gateway: ready on 127.0.0.1:{}, with {} functions of template.yaml",
            addresses.api,
            functions.len()
        ));
        let (mut mappings, mut schedules) = (Vec::new(), Vec::new());
        {
            let _inside = runtime.enter();
            for of in &template.functions {
                let function = &functions[&of.name];
                for source in &of.queues {
                    let (source, function) = (source.clone(), function.clone());
                    mappings.push(Mapping::start(&queues, source, function, logs.clone()));
                }
                schedules.push(schedules::start(&of.schedules, function, &clock, &logs)?);
            }
        }
        if watch {
            let (functions, terminal) = (functions.clone(), terminal.clone());
            let runtime = runtime.handle().clone();
            Reload { programs, functions, terminal, runtime }.start();
        }
        Note { pid: std::process::id(), addresses: addresses.clone() }.write(home)?;
        let (home, terminal) = (home.clone(), terminal.clone());
        Ok(Self {
            runtime,
            services,
            gateway,
            functions,
            queues,
            template,
            mappings,
            schedules,
            _issuer: issuer,
            _mailbox: mailbox,
            home,
            terminal,
            retry: None,
        })
    }

    /// Starts again what has ended, and ends what has had nothing to do. To be called now and then.
    pub fn tend(&mut self) {
        for function in self.functions.values() {
            function.shrink();
        }
        if self.retry.is_some_and(|(at, _)| Instant::now() < at) {
            return;
        }
        let Some((name, status)) = self.services.ended() else {
            self.retry = None;
            return;
        };
        let log = self.home.log(name);
        if self.retry.is_none() {
            let log = log.display();
            self.terminal
                .say(format_args!("{name} has ended ({status}), see {log}. Starting it again"));
        }
        let back = self.services.restart(name).map_err(Failed::from).and_then(|()| {
            // LocalStack has forgotten its queues, and what was in them.
            self.runtime.block_on(create_queues(&self.queues, &self.template))
        });
        match back {
            Ok(()) => {
                self.retry = None;
                self.terminal.say(format_args!("{name} is back"));
            }
            Err(error) => {
                let pause = self.retry.map_or(Duration::from_secs(1), |(_, pause)| pause * 2);
                let pause = pause.min(LONGEST_PAUSE);
                self.retry = Some((Instant::now() + pause, pause));
                let seconds = pause.as_secs();
                self.terminal.say(format_args!("{error}\n{name}: trying again in {seconds} s"));
            }
        }
    }

    /// Lets requests end that are under way, then stops everything.
    pub fn stop(mut self) -> Result<(), Failed> {
        Note::remove(&self.home);
        if let Some(gateway) = self.gateway.take() {
            self.runtime.block_on(gateway.stop());
        }
        // What they are at is finished if it is quick; a message comes again, a schedule runs later.
        let quick = async {
            for mapping in self.mappings {
                mapping.stop().await;
            }
            for schedules in self.schedules {
                schedules.stop().await;
            }
        };
        let _ = self.runtime.block_on(async { tokio::time::timeout(GRACE, quick).await });
        drop(self.functions);
        self.services.stop()?;
        Ok(())
    }
}

/// Brings the database up to date, as a deployment does: the function is called before traffic comes.
pub(super) async fn migrate(
    functions: &HashMap<String, Function>,
    terminal: &Terminal,
) -> Result<(), Failed> {
    let Some(function) = functions.get(MIGRATE) else { return Ok(()) };
    let answer = function.invoke("{}".into(), "").await?;
    let report: Value = serde_json::from_slice(&answer)?;
    let applied = report["applied"].as_array().map_or(0, Vec::len);
    let version = &report["version"];
    terminal.say(match applied {
        0 => format!("database: at version {version}"),
        1 => format!("database: at version {version}, after one new migration"),
        _ => format!("database: at version {version}, after {applied} new migrations"),
    });
    Ok(())
}

/// It demands TLS and a password, as a real server does; its certificate is that of Postgres.
fn mail_settings(
    addresses: &Addresses,
    home: &Home,
    services: &Services,
) -> Result<mailbox::Settings, Failed> {
    let certificates = services.folder().certificates()?;
    Ok(mailbox::Settings {
        smtp: loopback(addresses.smtp),
        web: loopback(addresses.mail),
        tls: Some(TlsFiles {
            certificate: certificates.certificate_file,
            key: certificates.key_file,
        }),
        credentials: Some(Credentials {
            username: addresses.smtp_user.clone(),
            password: addresses.smtp_password.clone(),
        }),
        dir: Some(home.mails()),
    })
}

async fn create_queues(queues: &Queues, template: &Template) -> Result<(), Failed> {
    queues.create(&template.queues).await?;
    queues.create_buckets(&template.buckets).await?;
    Ok(())
}

fn loopback(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}
