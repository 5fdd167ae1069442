//! The one line that a request leaves behind.

use std::time::Duration;

use uuid::Uuid;

use crate::Tally;

/// Everything that the log learns of a request.
#[derive(Clone, Debug, Default)]
pub struct RequestLine {
    /// The id that the answer carries too.
    pub request_id: String,
    /// The trace it belongs to.
    pub trace_id: Option<String>,
    /// The caller, once the token is verified.
    pub user_id: Option<Uuid>,
    /// The function.
    pub function: &'static str,
    /// The method, as sent (shortened if it is none that exists).
    pub method: String,
    /// The route's template, never the path itself: ids are not for counting.
    pub route: &'static str,
    /// The answer's status.
    pub status: u16,
    /// How long it took.
    pub duration: Duration,
    /// The problem's code, if the answer is one.
    pub error_code: Option<&'static str>,
    /// What we know of the cause, for us alone.
    pub error_cause: Option<String>,
    /// Whether this is the process's first request.
    pub cold_start: bool,
    /// What it cost.
    pub tally: Tally,
}

impl RequestLine {
    /// Writes the line: our own faults as errors, everything else as information.
    pub fn write(&self) {
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    target: crate::TARGET,
                    request_id = self.request_id,
                    trace_id = self.trace_id,
                    user_id = self.user_id.map(tracing::field::display),
                    function = self.function,
                    method = self.method,
                    route = self.route,
                    status = self.status,
                    duration_ms = self.duration.as_secs_f64() * 1000.0,
                    error_code = self.error_code,
                    error_cause = self.error_cause,
                    cold_start = self.cold_start,
                    db_round_trips = self.tally.database,
                    redis_round_trips = self.tally.redis,
                    redis_failed = some(self.tally.redis_failed),
                    redis_skipped = some(self.tally.redis_skipped),
                    cache = self.tally.cache,
                    limit_bypassed = self.tally.limit_bypassed.then_some(true),
                    "{} {} {}", self.method, self.route, self.status
                )
            };
        }
        if self.status >= 500 {
            line!(error);
        } else {
            line!(info);
        }
    }
}

/// What is zero as a rule is not worth a word.
const fn some(count: u32) -> Option<u32> {
    if count == 0 { None } else { Some(count) }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use tracing::level_filters::LevelFilter;

    use super::*;

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn written(level: LevelFilter, readable: bool, status: u16) -> String {
        let page = Page::default();
        let writer = page.clone();
        let subscriber = crate::subscriber(level, readable, move || writer.clone());
        tracing::subscriber::with_default(subscriber, || {
            tracing::error!(target: "a_library", "what it handles");
            let line = RequestLine { function: "tasks-get", status, ..RequestLine::default() };
            line.write();
        });
        let bytes = page.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn for_the_log_a_line_is_one_json_object_and_libraries_are_not_heard() {
        let text = written(LevelFilter::INFO, false, 200);
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.starts_with('{') && text.contains("\"function\":\"tasks-get\""), "{text}");
        assert!(!text.contains("error_code"), "{text}");
    }

    #[test]
    fn for_a_person_a_line_is_coloured_text() {
        let text = written(LevelFilter::INFO, true, 200);
        assert!(text.contains("\u{1b}[") && text.contains("tasks-get"), "{text:?}");
    }

    #[test]
    fn only_our_own_faults_are_errors() {
        assert_eq!(written(LevelFilter::ERROR, false, 404), "");
        assert!(written(LevelFilter::ERROR, false, 503).contains("\"level\":\"ERROR\""));
    }
}
