//! `local up --detach`: another process stays, this one shows its start and returns.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use super::Context;
use super::signals::Signals;
use super::up::already;
use crate::cloud::{Failed, Note};

/// Starts the cloud in a session of its own, and returns when it is ready.
pub(super) fn up(context: &Context) -> Result<ExitCode, Failed> {
    let Context { home, terminal, .. } = context;
    if let Some(note) = Note::read(home) {
        terminal.say(already(&note));
        return Ok(ExitCode::SUCCESS);
    }
    std::fs::create_dir_all(home.logs())?;
    let path = home.log("local");
    let log = File::create(&path)?;
    let mut shown = Shown { file: File::open(&path)?, place: 0 };
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
