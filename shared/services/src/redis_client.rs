//! As much of the Redis protocol as telling a server what to do needs.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::{Credentials, Error, http, programs, spawner};

const CLI: &str = "redis-cli";
const PATIENCE_IN_SECONDS: &str = "15";

/// Asks one server on 127.0.0.1, each time on a connection of its own.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) port: u16,
    /// Without it everything is in the clear, and without a password.
    pub(crate) tls: Option<Tls>,
}

/// What a server with TLS demands, and what it is checked against.
#[derive(Debug)]
pub(crate) struct Tls {
    pub(crate) ca_file: PathBuf,
    pub(crate) user: Credentials,
}

impl Client {
    /// Whether the server answers.
    pub(crate) fn is_answered(&self) -> bool {
        self.ask(&["PING"]).is_ok_and(|answer| answer == "PONG")
    }

    /// What the server answers to a command; its refusal is an error.
    pub(crate) fn ask(&self, command: &[&str]) -> Result<String, Error> {
        match &self.tls {
            None => self.ask_in_the_clear(command).map_err(|answer| refused(command, answer)),
            Some(tls) => self.ask_through_cli(tls, command),
        }
    }

    fn ask_in_the_clear(&self, command: &[&str]) -> Result<String, String> {
        // Asked to end the connection, the server shows where its answer ends.
        let request = encode(command) + &encode(&["QUIT"]);
        let answer = http::exchange(self.port, request.as_bytes(), usize::MAX);
        decode(&String::from_utf8_lossy(&answer.map_err(|error| error.to_string())?))
    }

    /// TLS is left to the program that comes with the server.
    fn ask_through_cli(&self, tls: &Tls, words: &[&str]) -> Result<String, Error> {
        // By itself it would wait for ever for a server that does not answer.
        let mut command = Command::new(programs::find("timeout", "coreutils")?);
        command.arg(PATIENCE_IN_SECONDS).arg(programs::find(CLI, "redis-tools")?);
        command.args(["-h", "127.0.0.1", "-p", &self.port.to_string()]);
        command.arg("--tls").arg("--cacert").arg(&tls.ca_file);
        // With `-e` a refusal is a failure, too.
        command.args(["--no-auth-warning", "-e"]).args(words);
        // Not as an argument, which everybody on the machine can read.
        command.env_clear().env("REDISCLI_AUTH", &tls.user.password);
        command.stdin(Stdio::null()).stderr(Stdio::piped());
        let output = spawner::run(command, CLI)?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
        if output.status.success() {
            Ok(text(&output.stdout))
        } else {
            let status = output.status;
            Err(refused(words, format!("{} ({status})", text(&output.stderr))))
        }
    }
}

fn refused(command: &[&str], answer: String) -> Error {
    Error::Redis { command: command.join(" "), answer }
}

/// A command with its arguments, whatever is in them.
fn encode(words: &[&str]) -> String {
    let count = format!("*{}\r\n", words.len());
    let words = words.iter().map(|word| format!("${}\r\n{word}\r\n", word.len()));
    std::iter::once(count).chain(words).collect()
}

/// The text of an answer that is one text, before the answer to `QUIT`.
fn decode(answer: &str) -> Result<String, String> {
    let answer = answer.strip_suffix("+OK\r\n").unwrap_or(answer).trim_end();
    match answer.split_at_checked(1) {
        Some(("+" | ":", text)) => Ok(text.to_owned()),
        // The length stands before the text.
        Some(("$", text)) => {
            Ok(text.split_once("\r\n").map_or("", |(_length, text)| text).to_owned())
        }
        Some(("-", refusal)) => Err(refusal.to_owned()),
        _ => Err(format!("an answer that is none: {answer:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_keep_their_spaces() {
        assert_eq!(encode(&["SET", "a b", ""]), "*3\r\n$3\r\nSET\r\n$3\r\na b\r\n$0\r\n\r\n");
    }

    #[test]
    fn answers_and_refusals_are_told_apart() {
        assert_eq!(decode("+OK\r\n+OK\r\n"), Ok("OK".to_owned()));
        assert_eq!(decode(":3\r\n+OK\r\n"), Ok("3".to_owned()));
        assert_eq!(decode("$6\r\na:1\r\nb\r\n+OK\r\n"), Ok("a:1\r\nb".to_owned()));
        assert_eq!(decode("$0\r\n\r\n+OK\r\n"), Ok(String::new()));
        assert_eq!(decode("-ERR no\r\n+OK\r\n"), Err("ERR no".to_owned()));
        assert!(decode("").is_err());
    }
}
