//! All services together.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::thread::{self, ScopedJoinHandle};

use crate::process::Process;
use crate::{
    Address, Cache, Credentials, Error, Folder, LocalStack, PgBouncer, Ports, Postgres, State,
    StopMode, files, pids, say, secrets, wait,
};

/// What to start, and where.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The folder for everything the services write.
    pub dir: PathBuf,
    /// Where they listen.
    pub ports: Ports,
    /// Whether Postgres survives a power cut. Tests do without and are faster.
    pub durable: bool,
    /// Whether a stop leaves the data (of Postgres; the others keep none) for the next start.
    /// Otherwise only the logs stay.
    pub keep_data: bool,
    /// Whether Redis is a cluster of three. Its first node has the port of Redis, the others have
    /// free ones.
    pub redis_cluster: bool,
    /// Credentials of others than the database, to lie in Secrets Manager too: by the names of their secrets.
    pub secrets: BTreeMap<String, Credentials>,
}

/// Running services. Dropped, they stop.
#[derive(Debug)]
pub struct Services {
    /// Can be stopped and started again, like all of them.
    pub postgres: Postgres,
    /// The pooler in front of Postgres.
    pub pgbouncer: PgBouncer,
    /// The cache.
    pub redis: Cache,
    /// Started again, it has lost its secrets and queues.
    pub localstack: LocalStack,
    state: State,
    folder: Folder,
    keep_data: bool,
    further_secrets: BTreeMap<String, Credentials>,
    stopped: bool,
}

impl Services {
    /// Starts all four at the same time, waits until all are healthy, creates the secrets and
    /// writes the state file.
    pub fn start(settings: &Settings) -> Result<Self, Error> {
        let folder = Folder::create(&settings.dir)?;
        pids::own(&folder)?;
        Self::start_in(&folder, settings).inspect_err(|_| {
            // What did start is stopped by now. The error to report is the one we have.
            let _ = clear(&folder, settings.keep_data);
        })
    }

    fn start_in(folder: &Folder, settings: &Settings) -> Result<Self, Error> {
        let Settings { ports, durable, keep_data, redis_cluster, .. } = settings;
        if !keep_data {
            folder.remove_data()?;
        }
        // Made here once, because the threads below would make them at the same time.
        let users = folder.users()?;
        let ca_file = folder.certificates()?.ca_file;

        let (postgres, pgbouncer, redis, (localstack, secrets)) = thread::scope(|scope| {
            // The slowest first.
            let localstack = scope.spawn(|| {
                ready("localstack", ports.localstack, || {
                    let mut localstack = LocalStack::create(folder, ports.localstack)?;
                    localstack.start()?;
                    let arns = secrets::create(&localstack, &users, &settings.secrets)?;
                    Ok((localstack, arns))
                })
            });
            let postgres = scope.spawn(|| {
                ready("postgres", ports.postgres, || {
                    let mut postgres = Postgres::create(folder, ports.postgres, *durable)?;
                    postgres.start().map(|()| postgres)
                })
            });
            let pgbouncer = scope.spawn(|| {
                ready("pgbouncer", ports.pgbouncer, || {
                    let server = Address::local(ports.postgres);
                    let mut pgbouncer = PgBouncer::create(folder, ports.pgbouncer, &server)?;
                    pgbouncer.start().map(|()| pgbouncer)
                })
            });
            let redis = scope.spawn(|| {
                ready("redis", ports.redis, || {
                    let mut redis = Cache::create(folder, ports.redis, *redis_cluster)?;
                    redis.start().map(|()| redis)
                })
            });
            let parts = (joined(postgres), joined(pgbouncer), joined(redis), joined(localstack));
            Ok::<_, Error>((parts.0?, parts.1?, parts.2?, parts.3?))
        })?;

        let state = State {
            postgres: postgres.address(),
            pgbouncer: pgbouncer.address(),
            redis: redis.address(),
            localstack: localstack.address(),
            ca_file,
            admin: postgres.admin().clone(),
            secrets,
        };
        state.write(&folder.state_file())?;
        let (folder, keep_data) = (folder.clone(), *keep_data);
        Ok(Self {
            postgres,
            pgbouncer,
            redis,
            localstack,
            state,
            folder,
            keep_data,
            further_secrets: settings.secrets.clone(),
            stopped: false,
        })
    }

    /// What runs where.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The folder they run in.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// The first service that has ended without being asked to, and how.
    pub fn ended(&mut self) -> Option<(&'static str, ExitStatus)> {
        self.processes().into_iter().find_map(|process| Some((process.name(), process.ended()?)))
    }

    /// Starts a service again that has ended, by the name that [`Self::ended`] gave. LocalStack gets its
    /// secrets back, and has lost everything else.
    pub fn restart(&mut self, name: &str) -> Result<(), Error> {
        match name {
            "postgres" => self.postgres.start(),
            "pgbouncer" => self.pgbouncer.start(),
            "localstack" => {
                self.localstack.start()?;
                let users = self.folder.users()?;
                self.state.secrets =
                    secrets::create(&self.localstack, &users, &self.further_secrets)?;
                self.state.write(&self.folder.state_file())
            }
            _ => self.redis.start(),
        }
    }

    /// The process ids of the services.
    pub fn process_ids(&mut self) -> Vec<u32> {
        self.processes().into_iter().filter_map(|process| process.id()).collect()
    }

    /// Stops all of them, whatever fails; the first failure is reported.
    pub fn stop(mut self) -> Result<(), Error> {
        self.stop_all()
    }

    fn stop_all(&mut self) -> Result<(), Error> {
        if std::mem::replace(&mut self.stopped, true) {
            return Ok(());
        }
        let mode = if self.keep_data { StopMode::Fast } else { StopMode::Immediate };
        let results = [
            self.pgbouncer.stop(),
            self.postgres.stop(mode),
            self.redis.stop(),
            self.localstack.stop(),
            clear(&self.folder, self.keep_data),
        ];
        results.into_iter().collect()
    }

    fn processes(&mut self) -> Vec<&mut Process> {
        let mut processes =
            vec![self.postgres.process(), self.pgbouncer.process(), self.localstack.process()];
        processes.extend(self.redis.processes());
        processes
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        if let Err(error) = self.stop_all() {
            say(error);
        }
    }
}

/// Leaves the folder: with what a later start needs, or with the logs only.
fn clear(folder: &Folder, keep_data: bool) -> Result<(), Error> {
    let removed =
        if keep_data { files::remove(&folder.state_file()) } else { folder.remove_data() };
    removed.and(pids::disown(folder))
}

/// Starts one service, and tells the person when it can be used.
fn ready<T>(name: &str, port: u16, start: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    let (result, took) = wait::timed(start);
    let service = result?;
    say(format_args!("{name}: ready on 127.0.0.1:{port} after {:.1} s", took.as_secs_f32()));
    Ok(service)
}

/// A panic in a thread goes on in ours; the other threads have ended then, and their services
/// with them.
fn joined<T>(thread: ScopedJoinHandle<'_, Result<T, Error>>) -> Result<T, Error> {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
