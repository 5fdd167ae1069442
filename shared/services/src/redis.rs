//! Redis: a cache and nothing else, so it keeps nothing on disk.

use std::time::Duration;

use rustix::process::Signal;

use crate::account::Account;
use crate::pids::PidFile;
use crate::process::{Launch, Process};
use crate::state::RedisState;
use crate::{Error, Folder, http, ports, programs};

const NAME: &str = "redis";
const STOP: &[(Signal, Duration)] = &[(Signal::KILL, Duration::from_secs(5))];

/// A Redis server.
#[derive(Debug)]
pub struct Redis {
    port: u16,
    process: Process,
}

impl Redis {
    /// Prepares a server; it does not run yet.
    pub fn create(folder: &Folder, port: u16) -> Result<Self, Error> {
        let directory = folder.own(NAME)?;
        let port_text = port.to_string();
        let arguments = [
            ["--bind", "127.0.0.1"],
            ["--port", &port_text],
            ["--save", ""],
            ["--appendonly", "no"],
            // As in production: counters and fences without expiry are never thrown out.
            ["--maxmemory", "256mb"],
            ["--maxmemory-policy", "volatile-lru"],
            ["--daemonize", "no"],
        ];
        let launch = Launch {
            name: NAME,
            program: programs::find("redis-server", "redis-server")?,
            arguments: arguments.iter().flatten().map(Into::into).collect(),
            environment: Vec::new(),
            directory,
            account: Account::OWN,
            when_orphaned: "KILL",
            log: folder.log(NAME),
            pid_file: PidFile::new(folder, NAME),
        };
        Ok(Self { port, process: Process::new(launch, STOP) })
    }

    /// Starts it and waits until it answers. After [`Self::stop`] it is empty.
    pub fn start(&mut self) -> Result<(), Error> {
        self.stop()?;
        ports::require_free(NAME, self.port)?;
        let port = self.port;
        self.process.start(Duration::from_secs(15), |_| {
            http::exchange(port, b"PING\r\n", 7).is_ok_and(|answer| answer == b"+PONG\r\n")
        })
    }

    /// Ends it at once, as a crash would.
    pub fn stop(&mut self) -> Result<(), Error> {
        self.process.stop(STOP)
    }

    /// Where it is.
    pub fn address(&self) -> RedisState {
        let port = self.port;
        RedisState { host: "127.0.0.1".into(), port, url: format!("redis://127.0.0.1:{port}") }
    }

    pub(crate) fn process(&mut self) -> &mut Process {
        &mut self.process
    }
}
