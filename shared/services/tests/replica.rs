//! A real primary, a real replica, and a pooler in front of it.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on ends, and says where"
)]

use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use services::{ADMIN, Address, Credentials, Folder, PgBouncer, Postgres, StopMode, free_port};

const HOUR: Duration = Duration::from_hours(1);

/// A primary with the table `t`, and its replica.
struct Pair {
    primary: Postgres,
    replica: Postgres,
    folder: Folder,
}

impl Pair {
    fn start(name: &str, apply_delay: Duration) -> Self {
        let tests = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let name = format!("{name}-{}", std::process::id());
        let folder = Folder::create(&tests.join(name)).expect("a folder");
        let port = free_port().expect("a port");
        let mut primary = Postgres::create(&folder, port, false).expect("a cluster");
        primary.start().expect("the primary starts");
        let admin = primary.admin();
        ask(&folder, &primary.address(), admin, "CREATE TABLE t (id int)").expect("a table");
        let port = free_port().expect("a port");
        let mut replica =
            Postgres::replica_of(&folder, port, &primary, apply_delay).expect("a copy");
        replica.start().expect("the replica starts");
        Self { primary, replica, folder }
    }

    fn on_primary(&self, sql: &str) -> String {
        ask(&self.folder, &self.primary.address(), self.primary.admin(), sql).expect("the primary")
    }

    fn on_replica(&self, sql: &str) -> String {
        ask(&self.folder, &self.replica.address(), self.replica.admin(), sql).expect("the replica")
    }

    /// Waits until a query on the replica has this answer.
    fn until(&self, sql: &str, answer: &str) {
        let mut last = String::new();
        for _ in 0..300 {
            last = self.on_replica(sql);
            if last == answer {
                return;
            }
            sleep(Duration::from_millis(100));
        }
        panic!("{sql}: {last} and not {answer}");
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        let _ = self.replica.stop(StopMode::Immediate);
        let _ = self.primary.stop(StopMode::Immediate);
        let _ = self.folder.remove();
    }
}

/// What a statement answers, or the words of its refusal.
fn ask(folder: &Folder, at: &Address, user: &Credentials, sql: &str) -> Result<String, String> {
    let ca_file = folder.certificates().expect("certificates").ca_file;
    let output = Command::new("psql")
        .args(["--no-psqlrc", "--tuples-only", "--no-align", "--quiet"])
        .args(["--set", "VERBOSITY=verbose", "--command", sql])
        .env("PGHOST", "localhost")
        .env("PGHOSTADDR", &at.host)
        .env("PGPORT", at.port.to_string())
        .env("PGUSER", &user.username)
        .env("PGPASSWORD", &user.password)
        .env("PGDATABASE", ADMIN)
        .env("PGSSLMODE", "verify-full")
        .env("PGSSLROOTCERT", ca_file)
        .output()
        .expect("psql is installed");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

#[test]
fn a_commit_is_seen_through_the_pooler_and_a_write_is_refused() {
    let pair = Pair::start("seen", Duration::ZERO);
    let users = pair.folder.users().expect("users");
    let role = &users.roles[0];
    let Credentials { username, password } = role;
    pair.on_primary(&format!("CREATE ROLE {username} LOGIN PASSWORD '{password}'"));
    pair.on_primary(&format!("GRANT SELECT, INSERT ON t TO {username}"));
    pair.on_primary("INSERT INTO t VALUES (1)");
    pair.until("SELECT count(*) FROM t", "1");

    let port = free_port().expect("a port");
    let replica = pair.replica.address();
    let mut pooler = PgBouncer::for_replica(&pair.folder, port, &replica).expect("a pooler");
    pooler.start().expect("the pooler starts");
    let ask = |sql: &str| ask(&pair.folder, &pooler.address(), role, sql);
    assert_eq!(ask("SELECT id FROM t"), Ok("1".to_owned()));
    assert_eq!(ask("SELECT pg_is_in_recovery()"), Ok("t".to_owned()));
    let refusal = ask("INSERT INTO t VALUES (2)").expect_err("a refusal");
    assert!(refusal.contains("25006"), "{refusal}");
}

#[test]
fn a_delay_holds_commits_back_until_it_is_taken_away() {
    let mut pair = Pair::start("delay", HOUR);
    pair.on_primary("INSERT INTO t VALUES (1)");
    // It has the commit, and waits before it applies it.
    let lsn = pair.on_primary("SELECT pg_current_wal_flush_lsn()");
    let waits = "SELECT wait_event FROM pg_stat_activity WHERE backend_type = 'startup'";
    let received = format!("SELECT pg_last_wal_receive_lsn() >= '{lsn}'");
    pair.until(&received, "t");
    pair.until(waits, "RecoveryApplyDelay");
    assert_eq!(pair.on_replica("SELECT count(*) FROM t"), "0");

    pair.replica.stop(StopMode::Fast).expect("it stops");
    pair.replica.start().expect("it starts");
    pair.until(waits, "RecoveryApplyDelay");
    assert_eq!(pair.on_replica("SELECT count(*) FROM t"), "0");

    pair.on_replica("ALTER SYSTEM SET recovery_min_apply_delay = 0");
    pair.on_replica("SELECT pg_reload_conf()");
    pair.until("SELECT count(*) FROM t", "1");
}

#[test]
fn it_stops_and_starts_again_and_so_does_its_primary() {
    let mut pair = Pair::start("again", Duration::ZERO);
    let mut rows = 0;
    for mode in [StopMode::Fast, StopMode::Immediate] {
        pair.replica.stop(mode).expect("the replica stops");
        pair.on_primary("INSERT INTO t VALUES (1)");
        pair.replica.start().expect("the replica starts");
        pair.until("SELECT count(*) FROM t", &(rows + 1).to_string());

        pair.primary.stop(mode).expect("the primary stops");
        assert_eq!(pair.on_replica("SELECT count(*) FROM t"), (rows + 1).to_string());
        pair.primary.start().expect("the primary starts");
        pair.on_primary("INSERT INTO t VALUES (1)");
        rows += 2;
        pair.until("SELECT count(*) FROM t", &rows.to_string());
    }

    // A copy that is there is taken as it is, on whatever port.
    pair.replica.stop(StopMode::Fast).expect("the replica stops");
    let port = free_port().expect("a port");
    pair.replica =
        Postgres::replica_of(&pair.folder, port, &pair.primary, HOUR).expect("the same copy");
    pair.replica.start().expect("the replica starts");
    assert_eq!(pair.on_replica("SELECT count(*) FROM t"), rows.to_string());
}

#[test]
fn what_is_left_behind_is_found_by_name() {
    let pair = Pair::start("left", Duration::ZERO);
    let port = free_port().expect("a port");
    let replica = pair.replica.address();
    let mut pooler = PgBouncer::for_replica(&pair.folder, port, &replica).expect("a pooler");
    pooler.start().expect("the pooler starts");
    let mut ended = services::down(pair.folder.path()).expect("all end");
    ended.sort_unstable();
    assert_eq!(ended, ["postgres", "replica", "replica-pgbouncer"]);
}
