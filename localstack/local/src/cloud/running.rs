//! Starts all of it, keeps it running, and stops it.

use services::Services;
use tokio::runtime::Runtime;

use super::deployment::Deployment;
use super::keeper::Keeper;
use super::neighbours::{self, Neighbours};
use super::reload::{Reload, Sources};
use super::{Addresses, Failed, Home, Note, Programs, Terminal};

/// The running cloud.
pub struct Cloud {
    keeper: Keeper,
    _neighbours: Neighbours,
    runtime: Runtime,
    home: Home,
}

impl Cloud {
    /// Starts everything, and says so as it goes.
    pub fn start(
        addresses: &Addresses,
        home: &Home,
        terminal: &Terminal,
        watch: bool,
    ) -> Result<Self, Failed> {
        let sources = watch.then(Sources::look);
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
            secrets: neighbours::secrets(addresses),
        })?;
        // Before the deployment: the first requests need keys.
        let neighbours = Neighbours::start(addresses, home, services.folder(), terminal)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let programs = Programs::beside_ours(home)?;
        let deployment = Deployment::start(addresses, services.state(), &programs, terminal);
        let deployment = runtime.block_on(deployment)?;
        if let Some(sources) = sources {
            let functions = deployment.functions().clone();
            let (home, terminal) = (home.clone(), terminal.clone());
            let runtime = runtime.handle().clone();
            Reload { home, programs, functions, terminal, runtime }.start(sources);
        }
        let handle = runtime.handle().clone();
        let keeper = Keeper::start(services, deployment, handle, home.clone(), terminal.clone());
        Note::new(addresses).write(home)?;
        Ok(Self { keeper, _neighbours: neighbours, runtime, home: home.clone() })
    }

    /// Lets requests end that are under way, then stops everything.
    pub fn stop(self) -> Result<(), Failed> {
        Note::remove(&self.home);
        self.home.end_marked();
        self.keeper.stop()?;
        drop(self.runtime);
        Ok(())
    }
}
