//! Who runs in a folder: files with process ids, by which later calls end what was left behind.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

use crate::{Error, Folder, files, wait};

/// The process that owns the folder: it started the services and will stop them.
const OWNER: &str = "services";

/// A process id alone is used again after a while; with the time of its start it is unique.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    pid: i32,
    /// Clock ticks since boot, as /proc says.
    started: u64,
}

/// The file that names one process.
#[derive(Debug)]
pub(crate) struct PidFile {
    path: PathBuf,
}

impl PidFile {
    pub(crate) fn new(folder: &Folder, name: &str) -> Self {
        Self { path: folder.pids().join(name) }
    }

    pub(crate) fn write(&self, pid: u32) -> Result<(), Error> {
        // Gone already: whoever waits for it will say so.
        let Some(record) = i32::try_from(pid).ok().and_then(Record::of) else { return Ok(()) };
        files::write_json(&self.path, &record)
    }

    pub(crate) fn remove(&self) -> Result<(), Error> {
        files::remove(&self.path)
    }

    /// The process, if it still runs and is what the file's name says.
    fn running(&self) -> Option<Record> {
        let record: Record = files::read_json(&self.path).ok()??;
        let name = self.path.file_name()?.to_str()?;
        let matches = name == OWNER || record.command_line().contains(name);
        (record.is_running() && matches).then_some(record)
    }
}

impl Record {
    fn of(pid: i32) -> Option<Self> {
        let stat = files::read_optional(Path::new(&format!("/proc/{pid}/stat"))).ok()??;
        let (state, started) = state_and_start(&stat)?;
        (state != 'Z').then_some(Self { pid, started })
    }

    fn is_running(self) -> bool {
        Self::of(self.pid) == Some(self)
    }

    fn command_line(self) -> String {
        let path = format!("/proc/{}/cmdline", self.pid);
        files::read_optional(Path::new(&path)).ok().flatten().unwrap_or_default()
    }

    /// Signals, and kills after `patience`.
    fn end(self, name: &str, signal: Signal, patience: Duration) -> Result<(), Error> {
        for (signal, patience) in [(signal, patience), (Signal::KILL, Duration::from_secs(10))] {
            if let Some(pid) = Pid::from_raw(self.pid) {
                let _ = kill_process(pid, signal);
            }
            if wait::until(patience, || (!self.is_running()).then_some(())).is_some() {
                return Ok(());
            }
        }
        Err(Error::DoesNotEnd { name: name.to_owned(), pid: self.pid })
    }
}

/// State and start time from /proc/PID/stat. The name before them may hold anything, even `)`.
fn state_and_start(stat: &str) -> Option<(char, u64)> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?.chars().next()?;
    let started = fields.nth(18)?.parse().ok()?;
    Some((state, started))
}

/// When a process was started, in clock ticks since boot; none if it does not run.
pub fn started(pid: u32) -> Option<u64> {
    i32::try_from(pid).ok().and_then(Record::of).map(|record| record.started)
}

/// Takes the folder for this process, after ending what a dead owner has left behind.
pub(crate) fn own(folder: &Folder) -> Result<(), Error> {
    let owner = PidFile::new(folder, OWNER);
    if let Some(record) = owner.running() {
        return Err(Error::InUse { dir: folder.path().to_owned(), pid: record.pid });
    }
    end_leftovers(folder)?;
    owner.write(std::process::id())
}

/// The folder is nobody's any more.
pub(crate) fn disown(folder: &Folder) -> Result<(), Error> {
    files::remove(&folder.pids())
}

/// Ends whatever runs in a folder, and returns the names of what it ended.
pub fn down(dir: &Path) -> Result<Vec<String>, Error> {
    let folder = Folder::existing(dir)?;
    let mut ended = Vec::new();
    // The owner first: it stops its services in order, and its command before them.
    if let Some(record) = PidFile::new(&folder, OWNER).running() {
        record.end(OWNER, Signal::TERM, Duration::from_mins(1))?;
        ended.push(OWNER.to_owned());
    }
    ended.extend(end_leftovers(&folder)?);
    disown(&folder)?;
    files::remove(&folder.state_file())?;
    Ok(ended)
}

fn end_leftovers(folder: &Folder) -> Result<Vec<String>, Error> {
    let mut ended = Vec::new();
    for entry in fs::read_dir(folder.pids()).into_iter().flatten().flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        let file = PidFile::new(folder, &name);
        if name != OWNER
            && let Some(record) = file.running()
        {
            // For Postgres this is a fast shutdown; the others end at once.
            record.end(&name, Signal::INT, Duration::from_secs(10))?;
            ended.push(name);
        }
        file.remove()?;
    }
    Ok(ended)
}

/// Removes the folders inside `parent` whose owner died without cleaning up.
pub fn sweep(parent: &Path) -> Result<(), Error> {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let Ok(folder) = Folder::existing(&entry.path()) else { continue };
        let owner = PidFile::new(&folder, OWNER);
        // Without the file it was left on purpose: kept data, or the logs of a failed run.
        if owner.path.exists() && owner.running().is_none() {
            end_leftovers(&folder)?;
            folder.remove()?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_start_behind_any_name() {
        let rest = (5..=21).map(|n| n.to_string()).collect::<Vec<_>>().join(" ");
        let stat = format!("7 (a) b) S 4 {rest} 4242 23 24");
        assert_eq!(state_and_start(&stat), Some(('S', 4242)));
    }

    #[test]
    fn knows_that_this_process_runs_and_that_another_start_is_another_process() {
        let record = Record::of(i32::try_from(std::process::id()).unwrap()).unwrap();
        assert!(record.is_running());
        assert!(!Record { started: record.started + 1, ..record }.is_running());
    }
}
