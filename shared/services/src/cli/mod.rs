//! The program `services`: starts the services for one command, or until a signal, and stops them.

mod arguments;
mod command;
mod signals;
mod tree;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use crate::{Error, Ports, Services, Settings, checkout, down, say, sweep};

use arguments::{Call, Run};
use signals::{Event, Signals};

/// The whole of `main`.
pub fn main() -> ExitCode {
    let result = match Call::parse(std::env::args_os().skip(1)) {
        Ok(Call::Run(call)) => run(&call),
        Ok(Call::Up { dir }) => up(dir),
        Ok(Call::Down { dir }) => end(&dir),
        Err(usage) => {
            say(usage);
            return ExitCode::from(2);
        }
    };
    result.unwrap_or_else(|error| {
        say(format_args!("services: {error}"));
        ExitCode::FAILURE
    })
}

/// Services for the time of one command; the exit code is the command's.
fn run(call: &Run) -> Result<ExitCode, Error> {
    let signals = Signals::listen();
    raise_open_files();
    let runs = checkout().join(".local/run");
    sweep(&runs)?;
    let dir = call.dir.clone().unwrap_or_else(|| runs.join(std::process::id().to_string()));
    let settings = Settings {
        dir,
        ports: Ports::free()?,
        durable: false,
        keep_data: call.keep,
        redis_cluster: call.redis_cluster,
        secrets: BTreeMap::new(),
    };
    let mut services = Services::start(&settings)?;

    signals.hold();
    let ended = command::run(&call.command, &mut services, &signals);
    let folder = services.folder().clone();
    services.stop()?;
    let ended = ended?;
    if call.keep {
        say(format_args!("services: stopped, data and logs are in {}", folder.path().display()));
    } else if ended.failed_by_itself() {
        say(format_args!("services: stopped, the logs are in {}", folder.logs().display()));
    } else {
        folder.remove()?;
        say("services: stopped");
    }
    Ok(ExitCode::from(ended.code))
}

/// Services until a signal. Their data stays for the next time.
fn up(dir: PathBuf) -> Result<ExitCode, Error> {
    let signals = Signals::listen();
    raise_open_files();
    let settings = Settings {
        dir,
        ports: Ports::free()?,
        durable: true,
        keep_data: true,
        redis_cluster: false,
        secrets: BTreeMap::new(),
    };
    let mut services = Services::start(&settings)?;
    say(format_args!("services: described in {}", services.folder().state_file().display()));
    say("services: Ctrl-C stops them");

    signals.hold();
    let code = loop {
        if let Some(Event::Signal(_)) = signals.next(Some(Duration::from_secs(1))) {
            break ExitCode::SUCCESS;
        }
        if let Some((name, status)) = services.ended() {
            let log = services.folder().logs().join(format!("{name}.log"));
            say(format_args!("services: {name} has ended ({status}), see {}", log.display()));
            break ExitCode::FAILURE;
        }
    };
    services.stop()?;
    say("services: stopped");
    Ok(code)
}

/// Ends what runs in a folder, whoever started it.
fn end(dir: &Path) -> Result<ExitCode, Error> {
    let ended = down(dir)?;
    if ended.is_empty() {
        say("services: nothing was running");
    }
    for name in ended {
        say(format_args!("services: ended {name}"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Pooler and LocalStack may hold more than the usual 1024 connections; children inherit this.
fn raise_open_files() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.map_or(65_536, |most| most.min(65_536));
    if limit.current.is_some_and(|current| current < wanted) {
        limit.current = Some(wanted);
        // Not allowed: then the services warn about it in their logs.
        let _ = setrlimit(Resource::Nofile, limit);
    }
}
