//! Keeps the cloud as it should be: starts services again that have ended, and ends processes that have
//! nothing to do.
//!
//! On a thread of its own, because a service may take its time to come up, and Ctrl-C must not wait for it.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use services::Services;
use tokio::runtime::Handle;

use super::deployment::Deployment;
use super::{Failed, Home, Terminal};

/// The thread. Dropped, it ends, and all that it keeps.
pub(super) struct Keeper {
    stop: Sender<()>,
    thread: JoinHandle<Result<(), Failed>>,
}

struct Kept {
    services: Services,
    deployment: Deployment,
    runtime: Handle,
    home: Home,
    terminal: Terminal,
    down: BTreeMap<&'static str, Attempt>,
}

/// When a service that did not come up is tried again, and how long that is after the last time.
#[derive(Clone, Copy)]
struct Attempt {
    at: Instant,
    pause: Duration,
}

/// How often it looks.
const LOOK: Duration = Duration::from_millis(300);
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// What a stop waits for a service that is just being started, and requests that are under way.
const PATIENCE: Duration = Duration::from_secs(20);
const LOCALSTACK: &str = "localstack";

impl Keeper {
    pub(super) fn start(
        services: Services,
        deployment: Deployment,
        runtime: Handle,
        home: Home,
        terminal: Terminal,
    ) -> Self {
        let down = BTreeMap::new();
        let kept = Kept { services, deployment, runtime, home, terminal, down };
        let (stop, stopped) = channel();
        let thread = thread::spawn(move || kept.keep(&stopped));
        Self { stop, thread }
    }

    /// Stops all of it. What cannot be waited for is ended by the kernel, when this process is gone.
    pub(super) fn stop(self) -> Result<(), Failed> {
        drop(self.stop);
        let end = Instant::now() + PATIENCE;
        while !self.thread.is_finished() {
            if Instant::now() > end {
                return Err("a service was just being started, and is killed".into());
            }
            thread::sleep(Duration::from_millis(20));
        }
        self.thread.join().unwrap_or_else(|_| Err("the keeper of the services panicked".into()))
    }
}

impl Kept {
    fn keep(mut self, stopped: &Receiver<()>) -> Result<(), Failed> {
        while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(LOOK) {
            for function in self.deployment.functions().values() {
                function.shrink();
            }
            self.notice();
            self.mend();
        }
        self.runtime.block_on(self.deployment.stop());
        self.services.stop()?;
        Ok(())
    }

    fn notice(&mut self) {
        let Some((name, status)) = self.services.ended() else { return };
        if !self.down.contains_key(name) {
            let log = self.home.log(name);
            let log = log.display();
            self.terminal
                .say(format_args!("{name} has ended ({status}), see {log}. Starting it again"));
            self.down.insert(name, Attempt { at: Instant::now(), pause: FIRST_PAUSE });
        }
    }

    fn mend(&mut self) {
        let due = |(_, attempt): &(&&str, &Attempt)| attempt.at <= Instant::now();
        let Some((name, attempt)) = self.down.iter().find(due).map(|(name, a)| (*name, *a)) else {
            return;
        };
        match self.bring_back(name) {
            Ok(()) => {
                self.down.remove(name);
                self.terminal.say(format_args!("{name} is back"));
            }
            Err(error) => {
                let seconds = attempt.pause.as_secs();
                self.terminal.say(format_args!("{error}\n{name}: trying again in {seconds} s"));
                let at = Instant::now() + attempt.pause;
                let pause = (attempt.pause * 2).min(LONGEST_PAUSE);
                self.down.insert(name, Attempt { at, pause });
            }
        }
    }

    fn bring_back(&mut self, name: &str) -> Result<(), Failed> {
        self.services.restart(name)?;
        if name == LOCALSTACK {
            // It has forgotten its queues, and what was in them.
            self.runtime.block_on(self.deployment.create_again())?;
        }
        Ok(())
    }
}
