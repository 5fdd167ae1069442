//! What the functions write.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use local::lambda::{Logs, Stream};
use serde_json::Value;

use crate::Failed;

/// Reads the lines of all functions: on request each, otherwise only what tells of trouble.
#[derive(Clone, Default)]
pub(crate) struct Journal(Arc<Mutex<Page>>);

#[derive(Default)]
struct Page {
    keep: bool,
    lines: Vec<Value>,
    troubles: usize,
    first_trouble: Option<String>,
}

/// Parts of lines that tell of a Redis that was not asked, of a limit that did not count, or of an error.
const TROUBLE: [&str; 5] = [
    "\"redis_failed\":",
    "\"redis_skipped\":",
    "\"limit_bypassed\":",
    "\"level\":\"ERROR\"",
    "\"level\":\"WARN\"",
];
/// The runtime crate panics when it is told that its process is no longer wanted; the process ends anyway.
const NO_TROUBLE: &str = "/lambda_runtime-";
/// How long a line is waited for: it goes through a pipe.
const PATIENCE: Duration = Duration::from_secs(2);

impl Journal {
    fn page(&self) -> MutexGuard<'_, Page> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the lines go.
    pub(crate) fn logs(&self) -> Logs {
        let journal = self.clone();
        Logs::to(move |function, stream, words| {
            let mut page = journal.page();
            let bad = TROUBLE.iter().any(|part| words.contains(part));
            if stream == Stream::Runner || (bad && !words.contains(NO_TROUBLE)) {
                page.troubles += 1;
                page.first_trouble.get_or_insert_with(|| format!("{function}: {words}"));
            }
            if page.keep
                && let Ok(line) = serde_json::from_str(words)
            {
                page.lines.push(line);
            }
        })
    }

    /// Keeps lines from now on, or no longer.
    pub(crate) fn keep(&self, keep: bool) {
        let mut page = self.page();
        page.keep = keep;
        page.lines.clear();
    }

    /// The line of a request.
    pub(crate) async fn line_of(&self, request_id: &str) -> Result<Value, Failed> {
        let found = async {
            loop {
                let is = |line: &&Value| line["request_id"] == request_id;
                if let Some(line) = self.page().lines.iter().find(is) {
                    return line.clone();
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let line = tokio::time::timeout(PATIENCE, found).await;
        Ok(line.map_err(|_| format!("request {request_id} left no line in the log"))?)
    }

    /// How many lines told of trouble since the last call, and the first of them.
    pub(crate) fn troubles(&self) -> (usize, Option<String>) {
        let mut page = self.page();
        (std::mem::take(&mut page.troubles), page.first_trouble.take())
    }
}
