//! Problems: everything that an answer can say went wrong (RFC 9457).

use std::borrow::Cow;
use std::fmt;

use domain::{FieldError, Invalid, Permission};
use serde::Serialize;

/// The kinds of problem. Closed: a client can know them all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each is one line of the table below")]
pub enum Kind {
    MalformedJson,
    InvalidIdempotencyKey,
    InvalidLogoutToken,
    Unauthenticated,
    InvalidToken,
    TokenRevoked,
    Forbidden,
    AccountDisabled,
    NotFound,
    TaskNotFound,
    UserNotFound,
    ExportNotFound,
    MethodNotAllowed,
    IdempotencyInProgress,
    Conflict,
    PreconditionFailed,
    PayloadTooLarge,
    UnsupportedMediaType,
    ValidationFailed,
    InvalidCursor,
    PageTooDeep,
    IdempotencyKeyReused,
    RateLimited,
    InternalError,
    DatabaseUnavailable,
    AuthUnavailable,
    Timeout,
}

/// Code, status, title and what is said if there is nothing more exact to say.
struct Row(Kind, &'static str, u16, &'static str, &'static str);

const TABLE: [Row; 27] = [
    Row(
        Kind::MalformedJson,
        "malformed-json",
        400,
        "Malformed JSON",
        "The body is not a JSON object.",
    ),
    Row(
        Kind::InvalidIdempotencyKey,
        "invalid-idempotency-key",
        400,
        "Invalid idempotency key",
        "Idempotency-Key must be 1 to 255 visible ASCII characters, optionally in double quotes.",
    ),
    Row(
        Kind::InvalidLogoutToken,
        "invalid-logout-token",
        400,
        "Invalid logout token",
        "The logout token is not valid.",
    ),
    Row(
        Kind::Unauthenticated,
        "unauthenticated",
        401,
        "Authentication required",
        "Send an access token: `Authorization: Bearer …`.",
    ),
    Row(Kind::InvalidToken, "invalid-token", 401, "Invalid token", "Invalid or expired token"),
    Row(
        Kind::TokenRevoked,
        "token-revoked",
        401,
        "Session ended",
        "The session of this token was logged out.",
    ),
    Row(Kind::Forbidden, "forbidden", 403, "Forbidden", "Your roles do not allow this."),
    Row(
        Kind::AccountDisabled,
        "account-disabled",
        403,
        "Account disabled",
        "This account is deactivated.",
    ),
    Row(Kind::NotFound, "not-found", 404, "Not found", "There is nothing at this address."),
    Row(Kind::TaskNotFound, "task-not-found", 404, "Task not found", "Task not found"),
    Row(Kind::UserNotFound, "user-not-found", 404, "User not found", "User not found"),
    Row(Kind::ExportNotFound, "export-not-found", 404, "Export not found", "Export not found"),
    Row(
        Kind::MethodNotAllowed,
        "method-not-allowed",
        405,
        "Method not allowed",
        "This address does not know that method; `Allow` lists those that it knows.",
    ),
    Row(
        Kind::IdempotencyInProgress,
        "idempotency-in-progress",
        409,
        "Request in progress",
        "A request with the same Idempotency-Key is still at work. Try again in a moment.",
    ),
    Row(
        Kind::Conflict,
        "conflict",
        409,
        "Conflict",
        "The resource is not in a state that allows this.",
    ),
    Row(
        Kind::PreconditionFailed,
        "precondition-failed",
        412,
        "Precondition failed",
        "The resource has changed; `current_version` is its version now.",
    ),
    Row(
        Kind::PayloadTooLarge,
        "payload-too-large",
        413,
        "Payload too large",
        "The body must be at most 256 KiB.",
    ),
    Row(
        Kind::UnsupportedMediaType,
        "unsupported-media-type",
        415,
        "Unsupported media type",
        "Send the body as `Content-Type: application/json`.",
    ),
    Row(
        Kind::ValidationFailed,
        "validation-failed",
        422,
        "Validation failed",
        "Some values are not valid; `errors` says which.",
    ),
    Row(
        Kind::InvalidCursor,
        "invalid-cursor",
        422,
        "Invalid cursor",
        "The cursor does not belong to this list.",
    ),
    Row(
        Kind::PageTooDeep,
        "page-too-deep",
        422,
        "Page too deep",
        "Pages reach 10,000 entries deep; go on with `next_cursor`.",
    ),
    Row(
        Kind::IdempotencyKeyReused,
        "idempotency-key-reused",
        422,
        "Idempotency key reused",
        "This Idempotency-Key was used for another request. Use a new key for a new request.",
    ),
    Row(
        Kind::RateLimited,
        "rate-limited",
        429,
        "Too many requests",
        "Rate limit exceeded. Try again later.",
    ),
    Row(
        Kind::InternalError,
        "internal-error",
        500,
        "Internal error",
        "Something went wrong on our side. Quote `request_id` if you report it.",
    ),
    Row(
        Kind::DatabaseUnavailable,
        "database-unavailable",
        503,
        "Database unavailable",
        "The database is not available. Nothing was changed, or an Idempotency-Key tells. Try again in a moment.",
    ),
    Row(
        Kind::AuthUnavailable,
        "auth-unavailable",
        503,
        "Authentication unavailable",
        "Tokens cannot be verified at the moment. Try again in a moment.",
    ),
    Row(
        Kind::Timeout,
        "timeout",
        504,
        "Timeout",
        "The answer took too long. A request with an Idempotency-Key can be repeated safely.",
    ),
];

impl Kind {
    /// Every kind.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|row| row.0)
    }

    /// The table's order is the enum's: a test holds it.
    const fn row(self) -> &'static Row {
        &TABLE[self as usize]
    }

    /// The code for programs; also the anchor on the `/problems` page.
    pub const fn code(self) -> &'static str {
        self.row().1
    }

    /// The status, always 4xx or 5xx.
    pub const fn status(self) -> u16 {
        self.row().2
    }

    /// The title for people.
    pub const fn title(self) -> &'static str {
        self.row().3
    }
}

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
            detail: self.0.detail.as_deref().unwrap_or(self.0.kind.row().4),
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
    fn the_table_is_in_the_order_of_the_enum() {
        assert!(Kind::all().all(|kind| kind.row().0 == kind));
        let mut codes: Vec<_> = Kind::all().map(Kind::code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), TABLE.len());
    }

    #[test]
    fn no_problem_is_a_success() {
        assert!(Kind::all().all(|kind| (400..=599).contains(&kind.status())));
    }

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
