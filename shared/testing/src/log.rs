//! The log lines of this process.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use tracing::level_filters::LevelFilter;

static LINES: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Keep;

impl Write for Keep {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Keeps what the functions of this process log, as they would log it on AWS.
pub(crate) fn capture() {
    let subscriber = telemetry::subscriber(LevelFilter::DEBUG, false, || Keep);
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// Whether anything that was logged so far holds this text.
pub fn anything_holds(text: &str) -> bool {
    let lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    String::from_utf8_lossy(&lines).contains(text)
}

/// The lines of one request.
pub fn lines_of(request_id: &str) -> Vec<Value> {
    let lines = LINES.lock().unwrap_or_else(PoisonError::into_inner).clone();
    String::from_utf8_lossy(&lines)
        .lines()
        .filter(|line| line.contains(request_id))
        .filter_map(|line| serde_json::from_str(line).ok())
        .filter(|line: &Value| line["request_id"] == request_id)
        .collect()
}
