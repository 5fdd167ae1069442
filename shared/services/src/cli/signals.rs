//! Signals and other events, in one queue.

use std::process::exit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use crate::say;
use rustix::process::Signal;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals as Source;

/// What the program waits for.
#[derive(Debug)]
pub(crate) enum Event {
    Signal(Signal),
    /// The command has ended, with this status.
    Ended(std::io::Result<std::process::ExitStatus>),
}

/// The queue. Until [`Self::hold`] a signal ends the program at once: the services that are just
/// starting die with it, because each has asked the kernel for that.
pub(crate) struct Signals {
    events: Receiver<Event>,
    sender: Sender<Event>,
    held: Arc<AtomicBool>,
}

impl Signals {
    pub(crate) fn listen() -> Self {
        let (sender, events) = channel();
        let held = Arc::new(AtomicBool::new(false));
        match Source::new([SIGINT, SIGTERM, SIGHUP]) {
            Ok(source) => {
                let (sender, held) = (sender.clone(), Arc::clone(&held));
                thread::spawn(move || forward(source, &sender, &held));
            }
            // Then signals do what they do by default, and the services still die with us.
            Err(error) => say(format_args!("services: cannot listen for signals: {error}")),
        }
        Self { events, sender, held }
    }

    /// From now on signals are events.
    pub(crate) fn hold(&self) {
        self.held.store(true, Ordering::SeqCst);
    }

    pub(crate) fn sender(&self) -> Sender<Event> {
        self.sender.clone()
    }

    /// The next event, or nothing if the time is over.
    pub(crate) fn next(&self, patience: Option<Duration>) -> Option<Event> {
        match patience {
            Some(patience) => self.events.recv_timeout(patience).ok(),
            None => self.events.recv().ok(),
        }
    }
}

fn forward(mut source: Source, sender: &Sender<Event>, held: &AtomicBool) {
    for number in source.forever() {
        if !held.load(Ordering::SeqCst) {
            say("services: interrupted while starting");
            exit(128 + number);
        }
        let signal = match number {
            SIGINT => Signal::INT,
            SIGHUP => Signal::HUP,
            _ => Signal::TERM,
        };
        let _ = sender.send(Event::Signal(signal));
    }
}
