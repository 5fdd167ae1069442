//! The mail catcher as a process of its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    mailbox::cli::main()
}
