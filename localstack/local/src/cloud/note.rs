//! The note that the local cloud leaves while it runs.

use std::io;

use serde::{Deserialize, Serialize};

use super::{Addresses, Home};

/// Who runs the cloud, and where it is. It is there exactly while all of it is ready.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Note {
    /// The runner's process.
    pub pid: u32,
    /// Where everything listens.
    pub addresses: Addresses,
}

impl Note {
    /// Reads it; none if nothing runs, or the runner was killed.
    pub fn read(home: &Home) -> Option<Self> {
        let note: Self = serde_json::from_slice(&std::fs::read(home.note()).ok()?).ok()?;
        let command = std::fs::read(format!("/proc/{}/cmdline", note.pid)).ok()?;
        String::from_utf8_lossy(&command).contains("local").then_some(note)
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
