//! The command that the services are for.

use std::ffi::OsString;
use std::process::{Command, ExitStatus};
use std::thread;
use std::time::Duration;

use crate::{Error, Services, spawn};
use rustix::process::{Signal, getpid, set_child_subreaper};

use super::signals::{Event, Signals};
use super::tree;

/// What a command and all it has started get to end after a signal.
const GRACE: Duration = Duration::from_secs(5);

/// How the command ended.
pub(crate) struct Ended {
    pub(crate) code: u8,
    /// A signal that we passed on ended it.
    interrupted: bool,
}

impl Ended {
    pub(crate) fn failed_by_itself(&self) -> bool {
        self.code != 0 && !self.interrupted
    }
}

/// Runs the command in the foreground. A signal goes to it and to all it has started; when this
/// returns none of them is left.
pub(crate) fn run(
    words: &[OsString],
    services: &mut Services,
    signals: &Signals,
) -> Result<Ended, Error> {
    // What the command leaves behind becomes our child and can be found, and ended, below.
    let _ = set_child_subreaper(Some(getpid()));
    let failed = |source| Error::Spawn { name: "the command".to_owned(), source };
    let mut child = spawn(command(words, services)).map_err(failed)?;

    let sender = signals.sender();
    thread::spawn(move || {
        let _ = sender.send(Event::Ended(child.wait()));
    });

    let ours = services.process_ids();
    let mut received: Option<Signal> = None;
    let status = loop {
        // Only after a signal is there a limit to waiting.
        match signals.next(received.map(|_| GRACE)) {
            Some(Event::Ended(status)) => break status.map_err(failed)?,
            Some(Event::Signal(signal)) if received.is_none() => {
                received = Some(signal);
                tree::signal_all_but(&ours, signal);
            }
            // Again, or no end in sight.
            Some(Event::Signal(_)) | None => tree::signal_all_but(&ours, Signal::KILL),
        }
    };
    tree::signal_all_but(&ours, Signal::KILL);
    let code = received.map_or_else(|| exit_code(status), |signal| shell_code(signal.as_raw()));
    Ok(Ended { code, interrupted: received.is_some() })
}

fn command(words: &[OsString], services: &Services) -> Command {
    let state = services.state();
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]).args(words);
    command.env("SERVICES_STATE", services.folder().state_file());
    command.env("AWS_ENDPOINT_URL", &state.localstack.url);
    command.env("AWS_REGION", &state.localstack.region);
    command.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test");
    // Nothing of a person's real account.
    command.env_remove("AWS_PROFILE").env_remove("AWS_SESSION_TOKEN");
    command
}

fn exit_code(status: ExitStatus) -> u8 {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.code(), status.signal()) {
        (Some(code), _) => u8::try_from(code).unwrap_or(1),
        (None, Some(signal)) => shell_code(signal),
        (None, None) => 1,
    }
}

/// The exit code that shells give a program that a signal ended.
fn shell_code(signal: i32) -> u8 {
    u8::try_from(128 + signal).unwrap_or(1)
}
