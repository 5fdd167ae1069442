//! Postgres: TLS and passwords only, as in production; nothing listens but 127.0.0.1.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;

use crate::account::Account;
use crate::error::file;
use crate::pids::PidFile;
use crate::process::{Launch, Process};
use crate::state::Address;
use crate::{ADMIN, Certificates, Credentials, Error, Folder, files, ports, programs, spawner};

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

/// A Postgres server with a cluster of its own.
#[derive(Debug)]
pub struct Postgres {
    port: u16,
    admin: Credentials,
    data: PathBuf,
    process: Process,
}

impl Postgres {
    /// Makes the cluster if the folder has none, and its configuration; it does not run yet.
    pub fn create(folder: &Folder, port: u16, durable: bool) -> Result<Self, Error> {
        let programs = programs::postgres()?;
        let account = Account::for_databases()?;
        let home = folder.of(&account, NAME)?;
        let admin = folder.users()?.admin;
        let data = home.join("data");
        if !data.exists() {
            initialise(&programs.join("initdb"), &account, &home, &admin, durable)?;
        }
        configure(&data, &account, port, durable, &folder.certificates()?)?;

        let launch = Launch {
            name: NAME,
            program: programs.join("postgres"),
            arguments: vec!["-D".into(), data.clone().into()],
            environment: vec![("TZ", "UTC".into())],
            directory: home,
            account,
            when_orphaned: "INT",
            log: folder.log(NAME),
            pid_file: PidFile::new(folder, NAME),
        };
        Ok(Self { port, admin, data, process: Process::new(launch, FAST) })
    }

    /// Starts it, or starts it again on the same port, and waits until it accepts connections.
    pub fn start(&mut self) -> Result<(), Error> {
        self.stop(StopMode::Fast)?;
        ports::require_free(NAME, self.port)?;
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

    /// The folder with the cluster's files; to make a replica, or to look at the log settings.
    pub fn data(&self) -> &Path {
        &self.data
    }

    pub(crate) fn process(&mut self) -> &mut Process {
        &mut self.process
    }
}

/// Makes the cluster beside its place and moves it there, so that one made by half is never used.
fn initialise(
    initdb: &Path,
    account: &Account,
    home: &Path,
    admin: &Credentials,
    durable: bool,
) -> Result<(), Error> {
    let new = home.join("data.new");
    files::remove(&new)?;
    let password = home.join("password");
    files::write_private(&password, &admin.password)?;
    account.give(&password)?;

    let mut command = Command::new("setpriv");
    command.args(account.setpriv_arguments()).args(["--pdeathsig", "KILL"]).arg(initdb);
    command.arg("--pgdata").arg(&new).arg("--pwfile").arg(&password);
    command.args(["--username", ADMIN, "--auth", "scram-sha-256", "--no-instructions"]);
    command.args(["--encoding", "UTF8", "--locale", "C.UTF-8"]);
    if !durable {
        command.arg("--no-sync");
    }
    command.env_clear().env("PATH", programs::PATH).current_dir(home);
    command.stdin(Stdio::null()).stderr(Stdio::piped());
    let output = spawner::run(command, "initdb")?;
    files::remove(&password)?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(Error::Failed { program: "initdb", status: output.status, output: text });
    }
    fs::rename(&new, home.join("data")).map_err(file("move", new))
}

fn configure(
    data: &Path,
    account: &Account,
    port: u16,
    durable: bool,
    certificates: &Certificates,
) -> Result<(), Error> {
    let contents = [
        ("postgresql.conf", settings(port, durable)),
        ("pg_hba.conf", ACCESS.to_owned()),
        ("server.pem", files::read(&certificates.certificate_file)?),
        ("server.key", files::read(&certificates.key_file)?),
    ];
    for (name, content) in contents {
        let path = data.join(name);
        files::write_private(&path, &content)?;
        account.give(&path)?;
    }
    Ok(())
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
