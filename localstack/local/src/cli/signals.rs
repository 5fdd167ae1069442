//! Ctrl-C and other signals.

use std::io;
use std::process::exit;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals as Source;

/// Signals from now on. The second one ends the program at once, and the kernel all it has started.
pub(super) struct Signals(Receiver<i32>);

impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        let mut source = Source::new([SIGINT, SIGTERM, SIGHUP])?;
        let (sender, receiver) = channel();
        thread::spawn(move || {
            let mut first = true;
            for number in source.forever() {
                if !first || sender.send(number).is_err() {
                    exit(128 + number);
                }
                first = false;
            }
        });
        Ok(Self(receiver))
    }

    /// Waits for one.
    pub(super) fn wait(&self) {
        let _ = self.0.recv();
    }

    /// Whether one came within a time.
    pub(super) fn within(&self, time: Duration) -> bool {
        !matches!(self.0.recv_timeout(time), Err(RecvTimeoutError::Timeout))
    }
}
