//! The development issuer as a process of its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    issuer::cli::main()
}
