//! What can go wrong, in words that say what to do about it.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

/// Why a service could not be started or stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder could not be read or written.
    #[error("cannot {doing} {}: {source}", path.display())]
    File {
        /// The verb: "read", "write", …
        doing: &'static str,
        /// Which one.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },

    /// A program is not installed.
    #[error(
        "{program} is not installed: run shared/services/install, or apt-get install {package}"
    )]
    NotInstalled {
        /// Its name.
        program: &'static str,
        /// The Debian package that has it.
        package: &'static str,
    },

    /// The virtual environment of LocalStack is not there.
    #[error("LocalStack is not installed ({why}): run shared/services/install")]
    NoLocalStack {
        /// What was looked for.
        why: String,
    },

    /// Started as root, and there is nobody else to run Postgres as.
    #[error(
        "Postgres and PgBouncer refuse to run as root, and there is no user `postgres` to run them as: \
         apt-get install postgresql, or start this as an ordinary user"
    )]
    NoAccount,

    /// A program could not be started at all.
    #[error("cannot start {name}: {source}")]
    Spawn {
        /// Which service or program.
        name: String,
        /// What the system says.
        source: io::Error,
    },

    /// A service ended while it was expected to get ready.
    #[error("{name} ended at once ({status}). The end of {}:\n{tail}", log.display())]
    Ended {
        /// Which service.
        name: &'static str,
        /// How it ended.
        status: ExitStatus,
        /// Its log.
        log: PathBuf,
        /// The last lines of the log.
        tail: String,
    },

    /// A service runs but does not answer.
    #[error("{name} did not get ready in {seconds} s. The end of {}:\n{tail}", log.display())]
    NotReady {
        /// Which service.
        name: &'static str,
        /// How long it was given.
        seconds: u64,
        /// Its log.
        log: PathBuf,
        /// The last lines of the log.
        tail: String,
    },

    /// A service that is to be held or let go does not run.
    #[error("{name} does not run")]
    NotRunning {
        /// Which service.
        name: &'static str,
    },

    /// A service did not end, not even when killed.
    #[error("{name} (process {pid}) does not end")]
    DoesNotEnd {
        /// Which service.
        name: String,
        /// Its process.
        pid: i32,
    },

    /// A program that should do one thing and end has failed.
    #[error("{program} failed ({status}):\n{output}")]
    Failed {
        /// Which program.
        program: &'static str,
        /// How it ended.
        status: ExitStatus,
        /// What it wrote.
        output: String,
    },

    /// Somebody else listens on the port.
    #[error(
        "port {port} for {name} is taken by another program: end that one, or choose another port"
    )]
    PortTaken {
        /// Which service wanted it.
        name: &'static str,
        /// The port.
        port: u16,
    },

    /// No port could be found.
    #[error("no free port between {from} and {to} on 127.0.0.1")]
    NoFreePort {
        /// The first one tried.
        from: u16,
        /// The last one tried.
        to: u16,
    },

    /// The folder belongs to services that run.
    #[error("{} is in use by process {pid}: end it with `services down --dir {}`", dir.display(), dir.display())]
    InUse {
        /// The folder.
        dir: PathBuf,
        /// Who uses it.
        pid: i32,
    },

    /// Certificates could not be made.
    #[error("cannot make the local certificates: {0}")]
    Certificates(#[from] rcgen::Error),

    /// The system's random generator failed.
    #[error("the system has no random numbers")]
    Random,

    /// A file is not what this crate wrote.
    #[error("{} is damaged ({source}): remove the folder and start again", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong in it.
        source: serde_json::Error,
    },

    /// LocalStack did not do what it was asked.
    #[error("LocalStack refused to {doing}: {answer}")]
    LocalStack {
        /// What it was asked.
        doing: String,
        /// What it said.
        answer: String,
    },

    /// Redis did not do what it was asked.
    #[error("Redis did not do {command}: {answer}")]
    Redis {
        /// What it was asked.
        command: String,
        /// What it said, or why it could not be asked.
        answer: String,
    },
}

/// For `map_err` on what the file system says.
pub(crate) fn file(
    doing: &'static str,
    path: impl Into<PathBuf>,
) -> impl FnOnce(io::Error) -> Error {
    let path = path.into();
    move |source| Error::File { doing, path, source }
}
