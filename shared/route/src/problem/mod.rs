//! Problems: everything that an answer can say went wrong (RFC 9457).

mod kind;

use std::borrow::Cow;
use std::fmt;

use cache::Verdict;
use domain::input::Fault;
use domain::{FieldError, Invalid, Permission};
use serde::Serialize;

pub use kind::Kind;

use crate::etag::ETag;

/// One problem, on its way to becoming an answer. Boxed: it is the rare way out of a function, and
/// should not make the usual one wide.
#[derive(Debug)]
pub struct Problem(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: Kind,
    detail: Option<Cow<'static, str>>,
    headers: Vec<(&'static str, String)>,
    members: Members,
    /// What we know of the cause. The answer cannot reach it: only the log line takes it.
    cause: Option<Cause>,
}

/// Members that only some kinds have.
#[derive(Debug, Default, Serialize)]
struct Members {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
    #[serde(skip_serializing_if = "Option::is_none")]
    required: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    current_version: Option<i64>,
    #[serde(rename = "violated-policies", skip_serializing_if = "Vec::is_empty")]
    violated_policies: Vec<&'static str>,
}

/// Why something failed, for us alone: it has neither `Display` nor `Serialize`.
struct Cause(String);

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[internal]")
    }
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: &'a str,
    instance: &'a str,
    code: &'static str,
    request_id: &'a str,
    #[serde(flatten)]
    members: &'a Members,
}

impl Problem {
    /// A problem of a kind, with the kind's own words.
    pub fn new(kind: Kind) -> Self {
        let mut problem = Self(Box::new(Inner {
            kind,
            detail: None,
            headers: Vec::new(),
            members: Members::default(),
            cause: None,
        }));
        match kind {
            Kind::Unauthenticated => problem.challenge("Bearer".to_owned()),
            Kind::InvalidToken | Kind::TokenRevoked => {
                problem.challenge("Bearer error=\"invalid_token\"".to_owned());
            }
            Kind::DatabaseUnavailable | Kind::IdempotencyInProgress => {
                problem.retry_after(config::defaults::RETRY_AFTER);
            }
            Kind::AuthUnavailable => problem.retry_after(config::defaults::RETRY_AFTER_AUTH),
            _ => {}
        }
        problem
    }

    /// The caller lacks a permission.
    pub fn forbidden(required: Permission) -> Self {
        let mut problem = Self::new(Kind::Forbidden);
        problem.0.members.required = Some(required.name());
        problem.challenge(format!(
            "Bearer error=\"insufficient_scope\", scope=\"{}\"",
            required.name()
        ));
        problem
    }

    /// The caller has no role that counts, and any would do.
    pub fn without_role() -> Self {
        let mut problem = Self::new(Kind::Forbidden).detail("None of your roles counts here.");
        problem.challenge("Bearer error=\"insufficient_scope\"".to_owned());
        problem
    }

    /// The thing has another version than the client expected.
    pub fn precondition_failed(current_version: i64) -> Self {
        let mut problem = Self::new(Kind::PreconditionFailed);
        problem.0.members.current_version = Some(current_version);
        let etag = ETag::of_version(current_version);
        problem.0.headers.push(("etag", etag.header().to_owned()));
        problem
    }

    /// Too many calls; the answer says when the next one will do.
    pub fn rate_limited(verdict: &Verdict) -> Self {
        let mut problem = Self::new(Kind::RateLimited);
        problem.0.members.violated_policies = vec![verdict.limit.name];
        problem.retry_after(verdict.seconds);
        problem
    }

    /// The thing is not in a state that allows this; the detail says why.
    pub fn conflict(detail: &'static str) -> Self {
        Self::new(Kind::Conflict).detail(detail)
    }

    /// The address knows other methods.
    pub fn method_not_allowed(allow: &str) -> Self {
        let mut problem = Self::new(Kind::MethodNotAllowed);
        problem.0.headers.push(("allow", allow.to_owned()));
        problem
    }

    /// A fault of ours, with what we know of it.
    pub fn internal(cause: impl Into<String>) -> Self {
        Self::new(Kind::InternalError).because(cause)
    }

    /// Values that are not valid.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let mut problem = Self::new(Kind::ValidationFailed);
        problem.0.members.errors = errors;
        problem
    }

    /// One value of the body that is not valid.
    pub fn invalid_field(pointer: &str, code: &'static str, detail: &'static str) -> Self {
        Self::invalid(vec![field_error(pointer, code, detail)])
    }

    /// One query parameter that is not valid.
    pub fn invalid_parameter(name: &str, fault: Fault) -> Self {
        Self::invalid(vec![fault.of_parameter(name)])
    }

    /// The same problem, said more exactly.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// The same problem, with the place of the fault.
    #[must_use]
    pub fn at(mut self, pointer: &str, code: &'static str, detail: &'static str) -> Self {
        self.0.members.errors.push(field_error(pointer, code, detail));
        self
    }

    /// The same problem, with its cause for the log.
    #[must_use]
    pub fn because(mut self, cause: impl Into<String>) -> Self {
        self.0.cause = Some(Cause(cause.into()));
        self
    }

    /// The kind.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// The headers of the answer.
    pub(crate) fn take_headers(&mut self) -> Vec<(&'static str, String)> {
        std::mem::take(&mut self.0.headers)
    }

    /// Takes the cause out, for the log line.
    pub(crate) fn take_cause(&mut self) -> Option<String> {
        self.0.cause.take().map(|cause| cause.0)
    }

    /// The body of the answer.
    pub(crate) fn body(&self, public_url: &str, instance: &str, request_id: &str) -> String {
        let body = Body {
            r#type: format!("{public_url}/problems#{}", self.0.kind.code()),
            title: self.0.kind.title(),
            status: self.0.kind.status(),
            detail: self.0.detail.as_deref().unwrap_or(self.0.kind.detail()),
            instance,
            code: self.0.kind.code(),
            request_id,
            members: &self.0.members,
        };
        // Strings, numbers and lists of them: nothing that JSON cannot say.
        serde_json::to_string(&body).unwrap_or_default()
    }

    fn challenge(&mut self, challenge: String) {
        self.0.headers.push(("www-authenticate", challenge));
    }

    fn retry_after(&mut self, seconds: u32) {
        self.0.headers.push(("retry-after", seconds.to_string()));
    }
}

fn field_error(pointer: &str, code: &'static str, detail: &'static str) -> FieldError {
    FieldError { pointer: Some(pointer.to_owned()), parameter: None, code, detail: detail.into() }
}

impl From<Invalid> for Problem {
    fn from(Invalid(errors): Invalid) -> Self {
        Self::invalid(errors)
    }
}

impl From<db::DbError> for Problem {
    fn from(error: db::DbError) -> Self {
        let kind = match error {
            db::DbError::Unavailable(_) => Kind::DatabaseUnavailable,
            db::DbError::KeyInProgress => Kind::IdempotencyInProgress,
            db::DbError::Refused(_) => Kind::InternalError,
            db::DbError::Caller(db::BadStanding::Revoked, _) => {
                return Self::new(Kind::TokenRevoked);
            }
            db::DbError::Caller(db::BadStanding::Disabled, _) => {
                return Self::new(Kind::AccountDisabled);
            }
        };
        Self::new(kind).because(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_has_the_members_in_order_and_never_the_cause() {
        let problem = Problem::new(Kind::TaskNotFound).because("secret");
        let body = problem.body("https://api.example.com", "/v1/tasks/x", "r1");
        assert_eq!(
            body,
            r#"{"type":"https://api.example.com/problems#task-not-found","title":"Task not found","status":404,"detail":"Task not found","instance":"/v1/tasks/x","code":"task-not-found","request_id":"r1"}"#
        );
        assert!(!format!("{problem:?}").contains("secret"));
    }

    #[test]
    fn a_failed_precondition_says_what_would_have_held() {
        let mut problem = Problem::precondition_failed(7);
        let body = problem.body("", "/v1/tasks/x", "r1");
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["current_version"], 7);
        assert_eq!(problem.take_headers(), [("etag", "\"7\"".to_owned())]);
    }

    #[test]
    fn a_refusal_names_a_permission_only_if_one_would_help() {
        let challenge = |mut problem: Problem| problem.take_headers().remove(0).1;
        assert_eq!(challenge(Problem::without_role()), "Bearer error=\"insufficient_scope\"");
        assert!(!Problem::without_role().body("", "/", "r1").contains("required"));
        let named = Problem::forbidden(Permission::TasksRead);
        assert!(named.body("", "/", "r1").contains("\"required\":\"tasks:read\""));
        assert!(challenge(named).ends_with("scope=\"tasks:read\""));
    }
}
