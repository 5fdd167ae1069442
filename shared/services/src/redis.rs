//! Redis: a cache and nothing else, so it keeps nothing on disk.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use rustix::process::Signal;

use crate::account::Account;
use crate::credentials::random_password;
use crate::pids::PidFile;
use crate::process::{Launch, Process};
use crate::redis_client::{Client, Tls};
use crate::state::RedisState;
use crate::{Credentials, Error, Folder, files, ports, programs, wait};

const NAME: &str = "redis";
const NAME_WITH_TLS: &str = "redis-tls";
const PASSWORD_FILE: &str = "password.conf";
const STOP: &[(Signal, Duration)] = &[(Signal::KILL, Duration::from_secs(5))];
const PATIENCE: Duration = Duration::from_secs(15);
/// A replica takes a copy of its primary, who makes one only once a second.
const PATIENCE_WITH_COPY: Duration = Duration::from_secs(30);

/// A Redis server.
#[derive(Debug)]
pub struct Redis {
    client: Client,
    process: Process,
}

impl Redis {
    /// Prepares a server; it does not run yet.
    pub fn create(folder: &Folder, port: u16) -> Result<Self, Error> {
        Self::in_the_clear(folder, NAME, port, &[])
    }

    /// Prepares a further server in the same folder, under a name that no other service there has,
    /// such as `redis-second`. Its log has that name, too.
    pub fn named(folder: &Folder, name: &'static str, port: u16) -> Result<Self, Error> {
        Self::in_the_clear(folder, name, port, &[])
    }

    /// Prepares a server that demands TLS and a password, which is another one each time.
    pub fn create_tls(folder: &Folder, port: u16) -> Result<Self, Error> {
        let certificates = folder.certificates()?;
        let user = Credentials { username: "default".to_owned(), password: random_password()? };
        // Not as an argument, which everybody on the machine can read.
        let password_file = directory(folder, NAME_WITH_TLS)?.join(PASSWORD_FILE);
        files::write_private(&password_file, &format!("requirepass {}\n", user.password))?;
        let arguments: [[OsString; 2]; 7] = [
            ["--port".into(), "0".into()],
            ["--tls-port".into(), port.to_string().into()],
            ["--tls-cert-file".into(), certificates.certificate_file.into()],
            ["--tls-key-file".into(), certificates.key_file.into()],
            ["--tls-ca-cert-file".into(), certificates.ca_file.clone().into()],
            ["--tls-auth-clients".into(), "no".into()],
            ["--include".into(), PASSWORD_FILE.into()],
        ];
        let client = Client { port, tls: Some(Tls { ca_file: certificates.ca_file, user }) };
        Self::with(folder, NAME_WITH_TLS, client, arguments.into_iter().flatten().collect())
    }

    /// A server without TLS, with `more` arguments than every server has.
    pub(crate) fn in_the_clear(
        folder: &Folder,
        name: &'static str,
        port: u16,
        more: &[&str],
    ) -> Result<Self, Error> {
        let mut arguments = vec!["--port".into(), port.to_string().into()];
        arguments.extend(more.iter().map(Into::into));
        Self::with(folder, name, Client { port, tls: None }, arguments)
    }

    fn with(
        folder: &Folder,
        name: &'static str,
        client: Client,
        mut arguments: Vec<OsString>,
    ) -> Result<Self, Error> {
        let every_server = [
            ["--bind", "127.0.0.1"],
            ["--save", ""],
            ["--appendonly", "no"],
            // A copy goes from server to server without a file, and without waiting for further
            // replicas that might want it.
            ["--repl-diskless-sync", "yes"],
            ["--repl-diskless-sync-delay", "0"],
            ["--repl-diskless-load", "swapdb"],
            // As in production: counters and fences without expiry are never thrown out.
            ["--maxmemory", "256mb"],
            ["--maxmemory-policy", "volatile-lru"],
            ["--daemonize", "no"],
        ];
        arguments.extend(every_server.iter().flatten().map(Into::into));
        if name != NAME {
            // A server rewrites its command line, by which `down` knows it. Older versions cannot
            // be told how, but the first server's name is in it anyway.
            let title = format!("redis-server {{listen-addr}} {name}");
            arguments.extend(["--proc-title-template".into(), title.into()]);
        }
        let launch = Launch {
            name,
            program: programs::find("redis-server", "redis-server")?,
            arguments,
            environment: Vec::new(),
            directory: directory(folder, name)?,
            account: Account::OWN,
            when_orphaned: "KILL",
            log: folder.log(name),
            pid_file: PidFile::new(folder, name),
        };
        Ok(Self { client, process: Process::new(launch, STOP) })
    }

    /// Starts it and waits until it answers. After [`Self::stop`] it is empty, nobody's replica, and
    /// what was [`Self::set`] is forgotten.
    pub fn start(&mut self) -> Result<(), Error> {
        self.stop()?;
        ports::require_free(self.process.name(), self.client.port)?;
        self.process.start(PATIENCE, |_| self.client.is_answered())
    }

    /// Ends it at once, as a crash would; a frozen one, too.
    pub fn stop(&mut self) -> Result<(), Error> {
        self.process.stop(STOP)
    }

    /// Holds it where it is, until [`Self::thaw`]: it takes connections and commands, and answers
    /// none.
    pub fn freeze(&mut self) -> Result<(), Error> {
        self.process.freeze()
    }

    /// Lets it go on, with what it was sent meanwhile.
    pub fn thaw(&mut self) -> Result<(), Error> {
        self.process.thaw()
    }

    /// Makes it a replica, which refuses writes, of the server without TLS on this port. Returns when
    /// it has all that its primary has.
    pub fn become_replica_of(&self, primary: u16) -> Result<(), Error> {
        self.client.ask(&["REPLICAOF", "127.0.0.1", &primary.to_string()])?;
        let has_copy = || {
            let state = self.client.ask(&["INFO", "replication"]).ok()?;
            state.lines().any(|line| line == "master_link_status:up").then_some(())
        };
        wait::until(PATIENCE_WITH_COPY, has_copy)
            .ok_or_else(|| self.process.not_ready(PATIENCE_WITH_COPY))
    }

    /// Makes it take writes again. It keeps what it has.
    pub fn become_primary(&self) -> Result<(), Error> {
        self.client.ask(&["REPLICAOF", "NO", "ONE"]).map(drop)
    }

    /// Changes a parameter of its configuration (`CONFIG SET`) until the next start.
    pub fn set(&self, parameter: &str, value: &str) -> Result<(), Error> {
        self.client.ask(&["CONFIG", "SET", parameter, value]).map(drop)
    }

    /// What it answers to any command, if that is one text; its refusal is an error.
    pub fn ask(&self, command: &[&str]) -> Result<String, Error> {
        self.client.ask(command)
    }

    /// Removes all keys.
    pub fn flush(&self) -> Result<(), Error> {
        self.client.ask(&["FLUSHALL"]).map(drop)
    }

    /// Where it is.
    pub fn address(&self) -> RedisState {
        let port = self.client.port;
        let scheme = if self.client.tls.is_some() { "rediss" } else { "redis" };
        let url = format!("{scheme}://127.0.0.1:{port}");
        RedisState { host: "127.0.0.1".into(), port, url, cluster: false }
    }

    /// Its user and password, if it demands them.
    pub fn credentials(&self) -> Option<&Credentials> {
        self.client.tls.as_ref().map(|tls| &tls.user)
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn process(&mut self) -> &mut Process {
        &mut self.process
    }
}

/// Where a server works. The further ones are inside the first one's folder, and so removed with it.
pub(crate) fn directory(folder: &Folder, name: &str) -> Result<PathBuf, Error> {
    if name == NAME { folder.own(NAME) } else { folder.own(&format!("{NAME}/{name}")) }
}
