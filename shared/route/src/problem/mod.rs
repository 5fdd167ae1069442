//! Problems: everything that an answer can say went wrong (RFC 9457).

mod kind;

use std::borrow::Cow;
use std::fmt;

use domain::{FieldError, Invalid, Permission};
use serde::Serialize;

pub use kind::Kind;

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
        };
        Self::new(kind).because(error.to_string())
    }
}

impl From<db::Standing> for Problem {
    fn from(standing: db::Standing) -> Self {
        match standing {
            db::Standing::Revoked => Self::new(Kind::TokenRevoked),
            db::Standing::Disabled => Self::new(Kind::AccountDisabled),
            db::Standing::Good => Self::internal("a good standing was taken for a refusal"),
        }
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
}
