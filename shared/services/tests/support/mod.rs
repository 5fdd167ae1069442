//! What the tests of Redis share.

use std::fs;
use std::path::Path;
use std::process::Command;

use services::{Folder, free_port};

/// A folder of a test's own, gone with the test.
pub(crate) struct Place(pub(crate) Folder);

impl Place {
    pub(crate) fn new(name: &str) -> Self {
        let tests = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let name = format!("{name}-{}", std::process::id());
        Self(Folder::create(&tests.join(name)).expect("a folder"))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = self.0.remove();
    }
}

pub(crate) fn port() -> u16 {
    free_port().expect("a port")
}

/// What a command answers, or the words of its refusal.
pub(crate) fn ask(port: u16, command: &str) -> Result<String, String> {
    ask_with(port, &[], command)
}

/// The same with options for the connection.
pub(crate) fn ask_with(port: u16, options: &[&str], command: &str) -> Result<String, String> {
    let output = Command::new("redis-cli")
        .args(["-e", "-h", "127.0.0.1", "-p", &port.to_string()])
        .args(options)
        .args(command.split(' '))
        .output()
        .expect("redis-cli is installed");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

/// One line of what a server tells about itself.
pub(crate) fn info(port: u16, options: &[&str], name: &str) -> String {
    let info = ask_with(port, options, "INFO").expect("information");
    let name = format!("{name}:");
    let value = info.lines().find_map(|line| line.strip_prefix(&name)).expect("a value");
    value.trim().to_owned()
}

/// Whether the process with this id is still the server on this port.
pub(crate) fn runs(process: &str, port: u16) -> bool {
    let command = fs::read_to_string(format!("/proc/{process}/cmdline")).unwrap_or_default();
    command.contains(&format!("127.0.0.1:{port}"))
}
