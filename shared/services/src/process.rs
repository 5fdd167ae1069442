//! One process of a service: started, watched, stopped, started again.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::io::retry_on_intr;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid,
};

use crate::account::Account;
use crate::error::file;
use crate::pids::PidFile;
use crate::{Error, files, programs, spawner, wait};

const LINES_IN_ERRORS: usize = 15;

/// How to start a service.
#[derive(Debug)]
pub(crate) struct Launch {
    /// The name people read; also part of the command line, by which `down` knows the process.
    pub(crate) name: &'static str,
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<OsString>,
    /// All of it: nothing is inherited, so a service does not depend on who starts it.
    pub(crate) environment: Vec<(&'static str, OsString)>,
    pub(crate) directory: PathBuf,
    pub(crate) account: Account,
    /// The signal it gets from the kernel when this process dies, as `setpriv` calls it.
    pub(crate) when_orphaned: &'static str,
    pub(crate) log: PathBuf,
    pub(crate) pid_file: PidFile,
}

/// A service's process. Dropped, it is gone.
#[derive(Debug)]
pub(crate) struct Process {
    launch: Launch,
    child: Option<Child>,
    /// How a drop stops it: signals, each with the time it is given.
    on_drop: &'static [(Signal, Duration)],
}

impl Process {
    pub(crate) fn new(launch: Launch, on_drop: &'static [(Signal, Duration)]) -> Self {
        Self { launch, child: None, on_drop }
    }

    /// Starts it and waits until `ready` says so; `ready` gets the process id.
    pub(crate) fn start(
        &mut self,
        patience: Duration,
        mut ready: impl FnMut(u32) -> bool,
    ) -> Result<(), Error> {
        self.stop(self.on_drop)?;
        let launch = &self.launch;
        let child = spawner::spawn(launch.command()?)
            .map_err(|source| Error::Spawn { name: launch.name.to_owned(), source })?;
        let pid = child.id();
        launch.pid_file.write(pid)?;
        let child = self.child.insert(child);

        let outcome = wait::until(patience, || match child.try_wait() {
            Ok(Some(status)) => Some(Err(status)),
            _ => ready(pid).then_some(Ok(())),
        });
        let error = match outcome {
            Some(Ok(())) => return Ok(()),
            Some(Err(status)) => Error::Ended {
                name: launch.name,
                status,
                log: launch.log.clone(),
                tail: launch.tail(),
            },
            None => self.not_ready(patience),
        };
        self.stop(self.on_drop)?;
        Err(error)
    }

    /// Sends each signal and gives it its time; kills what is left. Fine if nothing runs.
    pub(crate) fn stop(&mut self, signals: &[(Signal, Duration)]) -> Result<(), Error> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        let pid = Pid::from_child(&child);
        let ended = |child: &mut Child| matches!(child.try_wait(), Ok(Some(_)));

        for (signal, patience) in signals {
            if ended(&mut child) {
                break;
            }
            // Fails only if it has just ended, which the wait sees.
            let _ = kill_process(pid, *signal);
            wait::until(*patience, || ended(&mut child).then_some(()));
        }
        // The group: what the service has started goes with it. A postmaster's children are in
        // groups of their own and end by themselves when it is gone.
        let _ = kill_process_group(pid, Signal::KILL);
        let gone = wait::until(Duration::from_secs(10), || ended(&mut child).then_some(()));
        if gone.is_none() {
            let pid = pid.as_raw_nonzero().get();
            return Err(Error::DoesNotEnd { name: self.launch.name.to_owned(), pid });
        }
        self.launch.pid_file.remove()
    }

    /// Holds it where it is, and returns when it is held. A kill still ends it, and so does a stop.
    pub(crate) fn freeze(&mut self) -> Result<(), Error> {
        let pid = self.signal(Signal::STOP)?;
        // Held or ended. Whoever waits for its end is to find it afterwards.
        let events = WaitIdOptions::STOPPED | WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        match retry_on_intr(|| waitid(WaitId::Pid(pid), events)) {
            Ok(Some(status)) if status.stopped() => Ok(()),
            _ => Err(self.not_running()),
        }
    }

    /// Lets it go on. Fine if it is not held.
    pub(crate) fn thaw(&mut self) -> Result<(), Error> {
        self.signal(Signal::CONT).map(drop)
    }

    fn signal(&mut self, signal: Signal) -> Result<Pid, Error> {
        // Asked first, because the id of one that has ended may be another's by now.
        if let Some(child) = &mut self.child
            && matches!(child.try_wait(), Ok(None))
        {
            let pid = Pid::from_child(child);
            return kill_process(pid, signal).map(|()| pid).map_err(|_| self.not_running());
        }
        Err(self.not_running())
    }

    fn not_running(&self) -> Error {
        Error::NotRunning { name: self.launch.name }
    }

    /// The error that it runs but does not do what was waited for.
    pub(crate) fn not_ready(&self, patience: Duration) -> Error {
        let launch = &self.launch;
        Error::NotReady {
            name: launch.name,
            seconds: patience.as_secs(),
            log: launch.log.clone(),
            tail: launch.tail(),
        }
    }

    /// How it ended, if it ended by itself.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.as_mut()?.try_wait().ok().flatten()
    }

    pub(crate) fn name(&self) -> &'static str {
        self.launch.name
    }

    pub(crate) fn id(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Nobody to tell; and `down` still finds the process by its pid file.
        let _ = self.stop(self.on_drop);
    }
}

impl Launch {
    /// The last lines of the log.
    fn tail(&self) -> String {
        files::tail(&self.log, LINES_IN_ERRORS)
    }

    fn command(&self) -> Result<Command, Error> {
        let log = || -> io::Result<_> {
            let log = OpenOptions::new().create(true).append(true).open(&self.log)?;
            Ok((log.try_clone()?, log))
        };
        let (output, errors) = log().map_err(file("write", &self.log))?;

        let mut command = Command::new(programs::find("setpriv", "util-linux")?);
        command.args(self.account.setpriv_arguments());
        command.args(["--pdeathsig", self.when_orphaned]).arg(&self.program).args(&self.arguments);
        command.env_clear().env("PATH", programs::PATH).env("LC_ALL", "C.UTF-8");
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.current_dir(&self.directory);
        command.stdin(Stdio::null()).stdout(output).stderr(errors);
        // A group of its own, so that Ctrl-C at the terminal is ours to handle: first the command
        // that uses the services ends, then they do.
        command.process_group(0);
        Ok(command)
    }
}
