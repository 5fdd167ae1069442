//! What comes back.

use route::gateway::Answer;
use serde_json::Value;

use crate::log::lines_of;

/// An answer, as a client sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    answer: Answer,
}

impl Reply {
    /// The reply in an answer to the gateway.
    pub const fn of(answer: Answer) -> Self {
        Self { answer }
    }

    /// The status.
    pub const fn status(&self) -> u16 {
        self.answer.status_code
    }

    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.answer.headers.get(name).map(String::as_str)
    }

    /// Every header, in the order of their names.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.answer.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The body.
    pub fn text(&self) -> &str {
        &self.answer.body
    }

    /// The body, which must be JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(self.text()).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    /// The problem's code; none if the answer is no problem.
    pub fn code(&self) -> Option<String> {
        if self.header("content-type") != Some("application/problem+json") {
            return None;
        }
        self.json()["code"].as_str().map(str::to_owned)
    }

    /// Itself, if the status is this one.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status(), status, "{}\nlogged: {:?}", self.text(), self.logged());
        self
    }

    /// Itself, if it is this problem, whole and well formed.
    #[track_caller]
    pub fn expect_problem(self, code: &str) -> Self {
        assert_eq!(
            self.code().as_deref(),
            Some(code),
            "{}\nlogged: {:?}",
            self.text(),
            self.logged()
        );
        let body = self.json();
        assert_eq!(body["status"], self.status());
        let address = format!("https://api.example.com/problems#{code}");
        assert_eq!(body["type"], address);
        for member in ["title", "detail", "instance", "request_id"] {
            assert!(body[member].as_str().is_some_and(|text| !text.is_empty()), "{member}");
        }
        assert_eq!(body["request_id"].as_str(), self.header("x-request-id"));
        for cause in self.logged().iter().filter_map(|line| line["error_cause"].as_str()) {
            let told =
                body["detail"] == cause || self.status() >= 500 && self.text().contains(cause);
            assert!(!told, "the cause leaked: {}", self.text());
        }
        self
    }

    /// What the log says of it.
    fn logged(&self) -> Vec<Value> {
        self.header("x-request-id").map(lines_of).unwrap_or_default()
    }

    /// The places and codes of the errors of a problem.
    #[track_caller]
    pub fn errors(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let body = self.json();
        let errors = body["errors"].as_array().cloned().unwrap_or_default();
        let place =
            |e: &Value| text(if e["pointer"].is_null() { &e["parameter"] } else { &e["pointer"] });
        errors.iter().map(|e| (place(e), text(&e["code"]))).collect()
    }
}
