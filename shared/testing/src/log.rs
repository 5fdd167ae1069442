//! The log lines of this process.

use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::{LazyLock, Mutex, PoisonError};

use serde_json::Value;
use tracing::level_filters::LevelFilter;

#[derive(Default)]
struct Log {
    all: String,
    by_request: HashMap<String, Vec<Value>>,
}

static LOG: LazyLock<Mutex<Log>> = LazyLock::new(Mutex::default);

struct Keep;

impl Write for Keep {
    /// One call is one line.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        keep(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Keeps a line.
pub(crate) fn keep(line: &str) {
    let mut log = LOG.lock().unwrap_or_else(PoisonError::into_inner);
    if let Ok(value) = serde_json::from_str::<Value>(line)
        && let Some(id) = value["request_id"].as_str().map(str::to_owned)
    {
        log.by_request.entry(id).or_default().push(value);
    }
    log.all.push_str(line);
}

/// Keeps what the functions of this process log, as they would log it on AWS.
pub(crate) fn capture() {
    let subscriber = telemetry::subscriber(LevelFilter::DEBUG, false, || Keep);
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// Whether anything that was logged so far holds this text.
pub fn anything_holds(text: &str) -> bool {
    LOG.lock().unwrap_or_else(PoisonError::into_inner).all.contains(text)
}

/// The lines of one request.
pub fn lines_of(request_id: &str) -> Vec<Value> {
    let log = LOG.lock().unwrap_or_else(PoisonError::into_inner);
    log.by_request.get(request_id).cloned().unwrap_or_default()
}
