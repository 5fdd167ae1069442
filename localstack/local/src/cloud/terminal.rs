//! What the person at the terminal sees, and what the logs keep.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{IsTerminal as _, Write as _};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use clock::Clock;
use serde_json::Value;
use time::OffsetDateTime;
use time::macros::format_description;

use super::Home;
use crate::lambda::{Logs, Stream};

/// Writes lines to standard output, and those of functions to their logs as they are.
///
/// A thread of its own writes to standard output: a terminal that was stopped with Ctrl-S must not stop
/// the requests.
#[derive(Clone)]
pub struct Terminal {
    colours: bool,
    clock: Clock,
    files: Arc<Files>,
    out: SyncSender<Out>,
}

enum Out {
    Text(String),
    /// Answered when all before it is written.
    Flush(SyncSender<()>),
}

struct Files {
    home: Home,
    open: Mutex<HashMap<String, File>>,
}

/// A log that is larger than this is begun anew at the next start.
const LOG_LIMIT: u64 = 10 * 1024 * 1024;
/// The names of functions are this long, or are made so.
const NAME: usize = 15;

/// So many texts wait for the terminal.
const WAITING: usize = 10_000;

const RED: u8 = 31;
const YELLOW: u8 = 33;
const GREY: u8 = 90;
/// Names of functions have one of these.
const NAMES: [u8; 5] = [32, 34, 35, 36, 92];

impl Terminal {
    /// With colours if it is a terminal, and its person wants them.
    pub fn new(home: &Home, clock: Clock, no_colours: bool) -> Self {
        let colours = std::io::stdout().is_terminal() && !no_colours;
        let files = Files { home: home.clone(), open: Mutex::default() };
        let (out, texts) = sync_channel(WAITING);
        thread::spawn(move || write(&texts));
        Self { colours, clock, files: Arc::new(files), out }
    }

    /// A line of the runner.
    pub fn say(&self, words: impl std::fmt::Display) {
        let _ = self.out.send(Out::Text(format!("{words}\n")));
    }

    /// What is written for people already.
    pub fn print(&self, text: &str) {
        let _ = self.out.send(Out::Text(text.to_owned()));
    }

    /// Returns when all of it is written, or after a second if the terminal takes nothing.
    pub fn flush(&self) {
        let (written, all) = sync_channel(1);
        if self.out.try_send(Out::Flush(written)).is_ok() {
            let _ = all.recv_timeout(Duration::from_secs(1));
        }
    }

    /// Where the lines of functions go.
    pub fn logs(&self) -> Logs {
        let terminal = self.clone();
        Logs::to(move |function, stream, words| terminal.line(function, stream, words))
    }

    fn line(&self, function: &str, stream: Stream, words: &str) {
        if stream == Stream::Function {
            self.files.keep(function, words);
        }
        let (words, colour) = match stream {
            Stream::Function => readable(words),
            Stream::Runner => (words.to_owned(), Some(YELLOW)),
        };
        let format = format_description!("[hour]:[minute]:[second]");
        let now = OffsetDateTime::from(self.clock.now()).format(format).unwrap_or_default();
        let name_colour = NAMES[function.bytes().map(usize::from).sum::<usize>() % NAMES.len()];
        let name = self.painted(&format!("{function:NAME$}"), Some(name_colour));
        let (now, words) = (self.painted(&now, Some(GREY)), self.painted(&words, colour));
        // Rather none than to wait: the function's own log has it.
        let _ = self.out.try_send(Out::Text(format!("{now} {name} {words}\n")));
    }

    fn painted(&self, text: &str, colour: Option<u8>) -> String {
        match colour {
            Some(colour) if self.colours => format!("\u{1b}[{colour}m{text}\u{1b}[0m"),
            _ => text.to_owned(),
        }
    }
}

fn write(texts: &Receiver<Out>) {
    let mut out = std::io::stdout();
    for text in texts {
        match text {
            Out::Text(text) => {
                let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
            }
            Out::Flush(written) => {
                let _ = written.send(());
            }
        }
    }
}

impl Files {
    /// Writes a line to a function's log. A disk that is full must not stop the functions.
    fn keep(&self, function: &str, words: &str) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if !open.contains_key(function) {
            let path = self.home.log(function);
            let large = std::fs::metadata(&path).is_ok_and(|file| file.len() > LOG_LIMIT);
            let mut options = OpenOptions::new();
            options.create(true).write(true).append(!large).truncate(large);
            let Ok(file) = options.open(path) else { return };
            open.insert(function.to_owned(), file);
        }
        if let Some(file) = open.get_mut(function) {
            let _ = writeln!(file, "{words}");
        }
    }
}

/// A log line for a person: its words, how long it took, and what went wrong.
fn readable(line: &str) -> (String, Option<u8>) {
    let Ok(Value::Object(fields)) = serde_json::from_str::<Value>(line) else {
        return (line.to_owned(), None);
    };
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let Some(message) = text("message") else { return (line.to_owned(), None) };
    let mut words = message.to_owned();
    if let Some(milliseconds) = fields.get("duration_ms").and_then(Value::as_f64) {
        let _ = write!(words, "  {milliseconds:.1} ms");
    }
    for name in ["cache", "error_code", "error_cause", "error", "place"] {
        if let Some(value) = text(name) {
            let _ = write!(words, "  {name}={value}");
        }
    }
    if fields.get("cold_start").and_then(Value::as_bool) == Some(true) {
        words.push_str("  (cold start)");
    }
    let colour = match text("level") {
        Some("ERROR") => Some(RED),
        Some("WARN") => Some(YELLOW),
        _ => None,
    };
    (words, colour)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_json_becomes_one_for_people_and_other_lines_stay() {
        let line =
            r#"{"level":"INFO","message":"GET /v1/tasks 200","duration_ms":3.14159,"cache":"hit"}"#;
        assert_eq!(readable(line), ("GET /v1/tasks 200  3.1 ms  cache=hit".to_owned(), None));
        let line =
            r#"{"level":"ERROR","message":"PUT / 500","error_code":"internal","cold_start":true}"#;
        let expected = "PUT / 500  error_code=internal  (cold start)".to_owned();
        assert_eq!(readable(line), (expected, Some(RED)));
        for line in ["plain", "{\"a\":1}", "[1]", ""] {
            assert_eq!(readable(line), (line.to_owned(), None));
        }
    }
}
