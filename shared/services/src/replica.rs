//! A streaming replica: the local stand-in for an Aurora reader, which lags as far as a test wants.

use std::time::Duration;

use crate::home::Home;
use crate::{ADMIN, Error, Folder, Postgres, files};

/// Also the folder in the command line, by which `down` knows the process.
const NAME: &str = "replica";
const PASSWORD_FILE: &str = "primary.pgpass";
const CA_FILE: &str = "primary-ca.pem";

impl Postgres {
    /// A replica of `primary`, in the same folder, whose users and certificates it shares; it does
    /// not run yet. Takes a copy of the primary if the folder has none; for that the primary must
    /// run. The replica applies a commit when it is `apply_delay` old.
    ///
    /// The delay can be changed while it runs, by SQL on the replica: `ALTER SYSTEM SET
    /// recovery_min_apply_delay = …`, then `SELECT pg_reload_conf()`. That wins over `apply_delay`.
    pub fn replica_of(
        folder: &Folder,
        port: u16,
        primary: &Self,
        apply_delay: Duration,
    ) -> Result<Self, Error> {
        let home = Home::of(folder, NAME)?;
        let admin = primary.admin().clone();
        home.write(PASSWORD_FILE, &format!("*:*:*:{ADMIN}:{}\n", admin.password))?;
        home.write(CA_FILE, &files::read(&folder.certificates()?.ca_file)?)?;
        let primary_port = primary.address().port;
        if !home.data().exists() {
            let connection = connection(primary_port, "");
            let mut arguments = vec!["--dbname", &connection, "--no-password"];
            arguments.extend(["--wal-method", "stream", "--checkpoint", "fast"]);
            home.make_data("pg_basebackup", &arguments, primary.durable())?;
        }
        home.write("data/standby.signal", "")?;
        let more = settings(primary_port, apply_delay);
        Self::in_home(home, folder, port, admin, primary.durable(), &more)
    }
}

/// How the primary is reached. The files are named relative to where the program works, because
/// the path of a checkout might need quotes; `home` is the way from there. And the host has a name,
/// because older clients find no IP addresses in certificates.
fn connection(port: u16, home: &str) -> String {
    format!(
        "host=localhost hostaddr=127.0.0.1 port={port} user={ADMIN} \
         passfile={home}{PASSWORD_FILE} sslmode=verify-full sslrootcert={home}{CA_FILE}"
    )
}

/// What a replica has beside the settings of every server.
fn settings(primary_port: u16, apply_delay: Duration) -> String {
    // A server works in the folder of its data.
    let connection = connection(primary_port, "../");
    let delay = apply_delay.as_millis();
    format!(
        "
hot_standby = on
primary_conninfo = '{connection}'
recovery_min_apply_delay = {delay}ms
# The primary keeps the rows that a query here still reads, and so nothing cancels it …
hot_standby_feedback = on
# … but a lock that is replayed does not wait long for one.
max_standby_streaming_delay = 5s
# Back soon after the primary is.
wal_retrieve_retry_interval = 200ms
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_is_exact_and_the_primary_is_verified() {
        let text = settings(5433, Duration::from_millis(300));
        assert!(text.contains("\nrecovery_min_apply_delay = 300ms\n"));
        assert!(text.contains(" port=5433 "));
        assert!(text.contains(" sslmode=verify-full sslrootcert=../primary-ca.pem'\n"));
    }

    #[test]
    fn no_password_stands_in_a_setting_or_a_command_line() {
        assert!(!connection(1, "").contains("password="));
        assert!(connection(1, "").contains(" passfile=primary.pgpass "));
    }
}
