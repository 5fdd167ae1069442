//! The one place that talks to the person at the terminal.

use std::fmt::Display;

/// Writes one line for a person. To standard error: standard output belongs to the command that
/// runs with these services.
#[expect(clippy::print_stderr, reason = "a tool for the terminal, not a function in production")]
pub fn say(line: impl Display) {
    eprintln!("{line}");
}
