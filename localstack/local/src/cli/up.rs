//! `local up`.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use super::Context;
use super::signals::Signals;
use crate::cloud::{Addresses, Cloud, Failed, Note, banner};

/// Starts everything, and stays until a signal.
pub(super) fn up(context: &Context) -> Result<ExitCode, Failed> {
    let Context { env, home, terminal } = context;
    if let Some(note) = Note::read(home) {
        terminal.say(already(&note));
        return Ok(ExitCode::SUCCESS);
    }
    let addresses = Addresses::moved_by(env.or("PORT_OFFSET", 0)?)?;
    let watch = env.optional::<String>("WATCH")?.is_some_and(|watch| watch != "0");
    // Until all is ready a signal ends us at once, and the kernel ends what we have started.
    let cloud = Cloud::start(&addresses, home, terminal, watch)?;
    let signals = Signals::listen()?;
    terminal.say(banner(&addresses));
    let ctrl_c = if std::io::stdout().is_terminal() { "Ctrl-C or " } else { "" };
    terminal.say(format_args!("{ctrl_c}`make down` stops it."));
    signals.wait();
    terminal.say("stopping; once more Ctrl-C does not wait for requests");
    cloud.stop()?;
    terminal.say("stopped, the data is kept in .local/");
    Ok(ExitCode::SUCCESS)
}

pub(super) fn already(note: &Note) -> String {
    let api = note.addresses.api_url();
    format!("The task manager runs already: {api} (process {}). `make down` stops it.", note.pid)
}
