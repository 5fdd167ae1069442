//! Postgres: TLS and passwords only, as in production; nothing listens but 127.0.0.1.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Signal;

use crate::home::Home;
use crate::process::Process;
use crate::state::Address;
use crate::{ADMIN, Credentials, Error, Folder, files, ports};

const NAME: &str = "postgres";
const FAST: &[(Signal, Duration)] =
    &[(Signal::INT, Duration::from_secs(30)), (Signal::QUIT, Duration::from_secs(5))];
const IMMEDIATE: &[(Signal, Duration)] = &[(Signal::QUIT, Duration::from_secs(10))];
const PATIENCE: Duration = Duration::from_mins(1);

/// How Postgres is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopMode {
    /// Ends all sessions, rolls back, writes a checkpoint.
    Fast,
    /// Ends at once, as a crash would; the next start recovers from the log.
    Immediate,
}

/// A Postgres server with a cluster of its own: a primary, or a replica of one.
#[derive(Debug)]
pub struct Postgres {
    port: u16,
    durable: bool,
    admin: Credentials,
    data: PathBuf,
    process: Process,
}

impl Postgres {
    /// Makes the cluster if the folder has none, and its configuration; it does not run yet.
    pub fn create(folder: &Folder, port: u16, durable: bool) -> Result<Self, Error> {
        let home = Home::of(folder, NAME)?;
        let admin = folder.users()?.admin;
        if !home.data().exists() {
            initialise(&home, &admin, durable)?;
        }
        Self::in_home(home, folder, port, admin, durable, "")
    }

    /// Configures the cluster that a home has by now, with `more` settings than every server has.
    pub(crate) fn in_home(
        home: Home,
        folder: &Folder,
        port: u16,
        admin: Credentials,
        durable: bool,
        more: &str,
    ) -> Result<Self, Error> {
        let certificates = folder.certificates()?;
        home.write("data/postgresql.conf", &(settings(port, durable) + more))?;
        home.write("data/pg_hba.conf", ACCESS)?;
        home.write("data/server.pem", &files::read(&certificates.certificate_file)?)?;
        home.write("data/server.key", &files::read(&certificates.key_file)?)?;
        let data = home.data();
        Ok(Self { port, durable, admin, data, process: Process::new(home.launch(folder), FAST) })
    }

    /// Starts it, or starts it again on the same port, and waits until it accepts connections.
    pub fn start(&mut self) -> Result<(), Error> {
        self.stop(StopMode::Fast)?;
        ports::require_free(self.process.name(), self.port)?;
        let status = self.data.join("postmaster.pid");
        self.process.start(PATIENCE, |pid| {
            files::read_optional(&status).ok().flatten().is_some_and(|text| is_ready(&text, pid))
        })
    }

    /// Stops it; fine if it does not run.
    pub fn stop(&mut self, mode: StopMode) -> Result<(), Error> {
        self.process.stop(match mode {
            StopMode::Fast => FAST,
            StopMode::Immediate => IMMEDIATE,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> Address {
        Address::local(self.port)
    }

    /// The superuser.
    pub fn admin(&self) -> &Credentials {
        &self.admin
    }

    /// The folder with the cluster's files.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Whether it survives a power cut.
    pub(crate) fn durable(&self) -> bool {
        self.durable
    }

    pub(crate) fn process(&mut self) -> &mut Process {
        &mut self.process
    }
}

/// An empty cluster, with the superuser's password.
fn initialise(home: &Home, admin: &Credentials, durable: bool) -> Result<(), Error> {
    let password = home.write("password", &admin.password)?;
    let mut arguments = vec!["--pwfile", "password", "--username", ADMIN, "--no-instructions"];
    arguments.extend(["--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C.UTF-8"]);
    let made = home.make_data("initdb", &arguments, durable);
    files::remove(&password)?;
    made
}

/// A connection without TLS is refused, and so is one without a password.
const ACCESS: &str = "\
hostssl all         all 127.0.0.1/32 scram-sha-256
hostssl replication all 127.0.0.1/32 scram-sha-256
";

fn settings(port: u16, durable: bool) -> String {
    // Tests survive no power cut. Commits stay synchronous, because programs depend on it.
    let sync = if durable { "on" } else { "off" };
    format!(
        "\
listen_addresses = '127.0.0.1'
port = {port}
# A socket's path may have 107 bytes, which a checkout's folder easily exceeds.
unix_socket_directories = ''
ssl = on
ssl_cert_file = 'server.pem'
ssl_key_file = 'server.key'
password_encryption = scram-sha-256

max_connections = 400
shared_buffers = 128MB
dynamic_shared_memory_type = posix
wal_level = replica
# A replica that was stopped for a while finds what it has missed.
wal_keep_size = 128MB
fsync = {sync}
full_page_writes = {sync}
synchronous_commit = on

log_min_messages = warning
log_line_prefix = '%m [%p] %q%u@%d '
log_timezone = 'UTC'
timezone = 'UTC'
lc_messages = 'C.UTF-8'
lc_monetary = 'C.UTF-8'
lc_numeric = 'C.UTF-8'
lc_time = 'C.UTF-8'
default_text_search_config = 'pg_catalog.simple'
"
    )
}

/// Whether `postmaster.pid` says that this very process accepts connections. Asking over the
/// network would write a refused connection into the log at each start.
fn is_ready(status: &str, pid: u32) -> bool {
    let mut lines = status.lines();
    let same = lines.next().is_some_and(|first| first.trim() == pid.to_string());
    same && lines.nth(6).is_some_and(|eighth| eighth.trim() == "ready")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_durable_cluster_syncs_and_both_commit_synchronously() {
        assert!(settings(1, false).contains("fsync = off\nfull_page_writes = off\n"));
        assert!(settings(1, true).contains("fsync = on\nfull_page_writes = on\n"));
        assert!(settings(1, false).contains("synchronous_commit = on"));
    }

    #[test]
    fn access_is_by_tls_and_password_only() {
        assert!(ACCESS.lines().all(|line| line.starts_with("hostssl ")));
        assert!(ACCESS.lines().all(|line| line.ends_with(" scram-sha-256")));
    }

    #[test]
    fn a_status_file_of_an_earlier_process_does_not_count() {
        let file = "77\n/data\n1700000000\n5432\n\n127.0.0.1\n  1  2\nready   \n";
        assert!(is_ready(file, 77));
        assert!(!is_ready(file, 78));
        assert!(!is_ready("77\n/data\n1700000000\n5432\n\n127.0.0.1\n  1  2\nstarting\n", 77));
    }
}
