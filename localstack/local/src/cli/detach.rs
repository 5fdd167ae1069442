//! `local up --detach`: another process stays, this one shows its start and returns.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use super::Context;
use super::signals::Signals;
use super::up::already;
use crate::cloud::{Failed, Note};

/// A log that is larger is put aside.
const LOG_LIMIT: u64 = 10 * 1024 * 1024;

/// Starts the cloud in a session of its own, and returns when it is ready.
pub(super) fn up(context: &Context) -> Result<ExitCode, Failed> {
    let Context { home, terminal, .. } = context;
    if let Some(note) = Note::read(home) {
        terminal.say(already(&note));
        return Ok(ExitCode::SUCCESS);
    }
    std::fs::create_dir_all(home.logs())?;
    let path = home.log("local");
    if std::fs::metadata(&path).is_ok_and(|log| log.len() > LOG_LIMIT) {
        std::fs::rename(&path, home.log("local.old"))?;
    }
    // What other runs wrote stays, also that of one that is starting at this moment.
    let log = OpenOptions::new().create(true).append(true).open(&path)?;
    let mut shown = Shown { file: File::open(&path)?, place: log.metadata()?.len() };
    let signals = Signals::listen()?;
    // A session of its own: the end of this terminal is not its end.
    let mut child = Command::new("setsid")
        .arg(std::env::current_exe()?)
        .arg("up")
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()?;
    loop {
        let interrupted = signals.within(Duration::from_millis(100));
        terminal.print(&shown.more()?);
        if interrupted {
            end(&mut child);
            return Ok(ExitCode::from(130));
        }
        if Note::read(home).is_some_and(|note| note.pid == child.id()) {
            // What it says last, it says after the note.
            std::thread::sleep(Duration::from_millis(200));
            terminal.print(&shown.more()?);
            return Ok(ExitCode::SUCCESS);
        }
        if let Some(status) = child.try_wait()? {
            terminal.print(&shown.more()?);
            // It found one that runs, and has said so.
            if status.success() {
                return Ok(ExitCode::SUCCESS);
            }
            return Err(format!("the start failed ({status})").into());
        }
    }
}

/// Its services and functions end with it.
fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

/// A log, as far as it was shown.
struct Shown {
    file: File,
    place: u64,
}

impl Shown {
    fn more(&mut self) -> std::io::Result<String> {
        let mut bytes = Vec::new();
        self.file.seek(SeekFrom::Start(self.place))?;
        self.file.read_to_end(&mut bytes)?;
        self.place += bytes.len() as u64;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}
