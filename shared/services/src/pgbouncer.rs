//! PgBouncer in transaction mode: the local stand-in for RDS Proxy.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;

use crate::account::Account;
use crate::pids::PidFile;
use crate::process::{Launch, Process};
use crate::state::Address;
use crate::{ADMIN, Error, Folder, Users, files, http, ports, programs, spawner};

const NAME: &str = "pgbouncer";
const NAME_AT_REPLICA: &str = "replica-pgbouncer";
const STOP: &[(Signal, Duration)] = &[(Signal::KILL, Duration::from_secs(5))];

/// A pooler in front of one Postgres server.
#[derive(Debug)]
pub struct PgBouncer {
    port: u16,
    process: Process,
}

impl PgBouncer {
    /// Prepares a pooler for the server at `postgres` (or for a fault proxy in front of one); it
    /// does not run yet. It knows the superuser and the database roles of the folder.
    pub fn create(folder: &Folder, port: u16, postgres: &Address) -> Result<Self, Error> {
        Self::named(NAME, folder, port, postgres)
    }

    /// The second pooler of a folder: the same, in front of the replica (or of a fault proxy there).
    pub fn for_replica(folder: &Folder, port: u16, replica: &Address) -> Result<Self, Error> {
        Self::named(NAME_AT_REPLICA, folder, port, replica)
    }

    fn named(
        name: &'static str,
        folder: &Folder,
        port: u16,
        postgres: &Address,
    ) -> Result<Self, Error> {
        let program = programs::find("pgbouncer", "pgbouncer")?;
        let account = Account::for_databases()?;
        let home = folder.of(&account, name)?;
        let certificates = folder.certificates()?;
        let contents = [
            ("pgbouncer.ini", settings(port, postgres, &home, knows_statements(&program)?)),
            ("userlist.txt", user_list(&folder.users()?)),
            ("ca.pem", files::read(&certificates.ca_file)?),
            ("server.pem", files::read(&certificates.certificate_file)?),
            ("server.key", files::read(&certificates.key_file)?),
        ];
        for (file, content) in contents {
            account.write(&home.join(file), &content)?;
        }
        let launch = Launch {
            name,
            program,
            arguments: vec![home.join("pgbouncer.ini").into()],
            environment: Vec::new(),
            directory: home,
            account,
            when_orphaned: "KILL",
            log: folder.log(name),
            pid_file: PidFile::new(folder, name),
        };
        Ok(Self { port, process: Process::new(launch, STOP) })
    }

    /// Starts it, or starts it again on the same port, and waits until it offers TLS.
    pub fn start(&mut self) -> Result<(), Error> {
        /// Length 8, then the code of "may we speak TLS?" in the Postgres protocol.
        const TLS_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
        self.stop()?;
        ports::require_free(self.process.name(), self.port)?;
        let port = self.port;
        self.process.start(Duration::from_secs(15), |_| {
            http::exchange(port, &TLS_REQUEST, 1).is_ok_and(|answer| answer == b"S")
        })
    }

    /// Ends it at once: asked kindly, newer versions wait for their clients.
    pub fn stop(&mut self) -> Result<(), Error> {
        self.process.stop(STOP)
    }

    /// Where it listens.
    pub fn address(&self) -> Address {
        Address::local(self.port)
    }

    pub(crate) fn process(&mut self) -> &mut Process {
        &mut self.process
    }
}

/// From 1.21 on it can carry prepared statements from one server connection to another. That has
/// to be switched off there, and is an unknown setting before.
fn knows_statements(program: &Path) -> Result<bool, Error> {
    let mut command = Command::new(program);
    command.arg("--version").stdin(Stdio::null()).stderr(Stdio::null());
    let output = spawner::run(command, NAME)?;
    Ok(version(&String::from_utf8_lossy(&output.stdout)).is_none_or(|found| found >= (1, 21)))
}

fn version(text: &str) -> Option<(u32, u32)> {
    let (_, number) = text.lines().next()?.split_once(' ')?;
    let mut parts = number.split('.');
    Some((parts.next()?.trim().parse().ok()?, parts.next()?.trim().parse().ok()?))
}

/// No `ignore_startup_parameters`: the real proxy refuses those too.
fn settings(port: u16, postgres: &Address, home: &Path, knows_statements: bool) -> String {
    let home = home.display();
    let Address { host, port: server_port } = postgres;
    let statements = if knows_statements { "max_prepared_statements = 0\n" } else { "" };
    format!(
        "\
[databases]
* = host={host} port={server_port}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =

pool_mode = transaction
{statements}default_pool_size = 8
max_db_connections = 40
max_client_conn = 1000
server_login_retry = 1
query_wait_timeout = 3
# Tests make many databases: give back what they no longer use.
server_idle_timeout = 10
autodb_idle_timeout = 30

auth_type = scram-sha-256
auth_file = {home}/userlist.txt
admin_users = {ADMIN}

client_tls_sslmode = require
client_tls_cert_file = {home}/server.pem
client_tls_key_file = {home}/server.key
server_tls_sslmode = verify-full
server_tls_ca_file = {home}/ca.pem

log_connections = 0
log_disconnections = 0
log_stats = 0
"
    )
}

/// Plain passwords: with a hash it could check its clients, but not log in to the server.
fn user_list(users: &Users) -> String {
    let lines = users.all().map(|user| format!("\"{}\" \"{}\"\n", user.username, user.password));
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Credentials;

    #[test]
    fn old_versions_do_not_get_a_setting_they_do_not_know() {
        assert_eq!(version("PgBouncer 1.18.0\nlibevent 2.1"), Some((1, 18)));
        assert_eq!(version("PgBouncer 1.24.1\n"), Some((1, 24)));
        let render = |knows| settings(1, &Address::local(2), Path::new("/x"), knows);
        assert!(!render(false).contains("max_prepared_statements"));
        assert!(render(true).contains("\nmax_prepared_statements = 0\n"));
        assert!(render(false).contains("* = host=127.0.0.1 port=2\n"));
    }

    #[test]
    fn users_are_quoted_one_per_line() {
        let user = |name: &str| Credentials { username: name.into(), password: "abc".into() };
        let users = Users { admin: user("postgres"), roles: vec![user("worker")] };
        assert_eq!(user_list(&users), "\"postgres\" \"abc\"\n\"worker\" \"abc\"\n");
    }
}
