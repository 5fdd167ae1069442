//! `local down`, `local remove`.

use std::process::ExitCode;

use services::Folder;

use super::Context;
use crate::cloud::{Failed, Note};

/// Stops what runs, whoever started it, also what a killed runner has left behind.
pub(super) fn down(context: &Context) -> Result<ExitCode, Failed> {
    let Context { home, terminal, .. } = context;
    let ended = if home.path().exists() { services::down(home.path())? } else { Vec::new() };
    Note::remove(home);
    home.end_marked();
    terminal.say(match ended.as_slice() {
        [] => "nothing was running".to_owned(),
        _ => "stopped, the data is kept in .local/".to_owned(),
    });
    Ok(ExitCode::SUCCESS)
}

/// Stops it, and removes its data, also what is outside `.local/` (when root started it).
pub(super) fn remove(context: &Context) -> Result<ExitCode, Failed> {
    down(context)?;
    Folder::create(context.home.path())?.remove()?;
    Ok(ExitCode::SUCCESS)
}
