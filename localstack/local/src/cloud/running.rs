//! Starts all of it, keeps it running, and stops it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use services::Services;
use tokio::runtime::Runtime;

use super::deployment::Deployment;
use super::neighbours::Neighbours;
use super::reload::Reload;
use super::{Addresses, Failed, Home, Note, Programs, Terminal};

/// The running cloud.
pub struct Cloud {
    deployment: Deployment,
    _neighbours: Neighbours,
    runtime: Runtime,
    services: Services,
    home: Home,
    terminal: Terminal,
    down: BTreeMap<&'static str, Attempt>,
}

/// When a service that did not come up is tried again, and how long that is after the last time.
#[derive(Clone, Copy)]
struct Attempt {
    at: Instant,
    pause: Duration,
}

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
const LOCALSTACK: &str = "localstack";

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
        // Before the deployment: the first requests need keys.
        let neighbours = Neighbours::start(addresses, home, services.folder(), terminal)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let programs = Programs::beside_ours(home)?;
        let deployment = Deployment::start(addresses, services.state(), &programs, terminal);
        let deployment = runtime.block_on(deployment)?;
        if watch {
            let functions = deployment.functions().clone();
            let (terminal, runtime) = (terminal.clone(), runtime.handle().clone());
            Reload { programs, functions, terminal, runtime }.start();
        }
        Note { pid: std::process::id(), addresses: addresses.clone() }.write(home)?;
        Ok(Self {
            deployment,
            _neighbours: neighbours,
            runtime,
            services,
            home: home.clone(),
            terminal: terminal.clone(),
            down: BTreeMap::new(),
        })
    }

    /// Starts again what has ended, and ends what has had nothing to do. To be called now and then.
    pub fn tend(&mut self) {
        for function in self.deployment.functions().values() {
            function.shrink();
        }
        if let Some((name, status)) = self.services.ended()
            && !self.down.contains_key(name)
        {
            let log = self.home.log(name);
            let log = log.display();
            self.terminal
                .say(format_args!("{name} has ended ({status}), see {log}. Starting it again"));
            self.down.insert(name, Attempt { at: Instant::now(), pause: FIRST_PAUSE });
        }
        let due = |(_, attempt): &(&&str, &Attempt)| attempt.at <= Instant::now();
        let Some((name, attempt)) = self.down.iter().find(due).map(|(name, a)| (*name, *a)) else {
            return;
        };
        match self.bring_back(name) {
            Ok(()) => {
                self.down.remove(name);
                self.terminal.say(format_args!("{name} is back"));
            }
            Err(error) => {
                let seconds = attempt.pause.as_secs();
                self.terminal.say(format_args!("{error}\n{name}: trying again in {seconds} s"));
                let at = Instant::now() + attempt.pause;
                let pause = (attempt.pause * 2).min(LONGEST_PAUSE);
                self.down.insert(name, Attempt { at, pause });
            }
        }
    }

    fn bring_back(&mut self, name: &str) -> Result<(), Failed> {
        self.services.restart(name)?;
        if name == LOCALSTACK {
            self.runtime.block_on(self.deployment.create_again())?;
        }
        Ok(())
    }

    /// Lets requests end that are under way, then stops everything.
    pub fn stop(self) -> Result<(), Failed> {
        Note::remove(&self.home);
        self.runtime.block_on(self.deployment.stop());
        self.services.stop()?;
        Ok(())
    }
}
