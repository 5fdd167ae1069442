//! The note that the local cloud leaves while it runs.

use std::io;

use serde::{Deserialize, Serialize};

use super::{Addresses, Home};

/// Who runs the cloud, and where it is. It is written when all of it is ready, and removed when it stops;
/// a runner that was killed leaves it behind.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Note {
    /// The runner's process.
    pub pid: u32,
    /// When that was started, in the kernel's ticks: ids of processes are used again.
    started: u64,
    /// Where everything listens.
    pub addresses: Addresses,
}

impl Note {
    /// Of this process.
    pub fn new(addresses: &Addresses) -> Self {
        let pid = std::process::id();
        let started = services::started(pid).unwrap_or_default();
        Self { pid, started, addresses: addresses.clone() }
    }

    /// Reads it; none if nothing runs, or the runner was killed.
    pub fn read(home: &Home) -> Option<Self> {
        let note: Self = serde_json::from_slice(&std::fs::read(home.note()).ok()?).ok()?;
        (services::started(note.pid) == Some(note.started)).then_some(note)
    }

    /// Writes it.
    pub fn write(&self, home: &Home) -> io::Result<()> {
        std::fs::write(home.note(), serde_json::to_vec_pretty(self)?)
    }

    /// Removes it; fine if it is not there.
    pub fn remove(home: &Home) {
        let _ = std::fs::remove_file(home.note());
    }
}
