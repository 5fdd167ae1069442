//! The kinds of problem, in one table.

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

#[rustfmt::skip]
const TABLE: [Row; 27] = [
    Row(Kind::MalformedJson, "malformed-json", 400, "Malformed JSON",
        "The body is not a JSON object."),
    Row(Kind::InvalidIdempotencyKey, "invalid-idempotency-key", 400, "Invalid idempotency key",
        "Idempotency-Key must be 1 to 255 visible ASCII characters, optionally in double quotes."),
    Row(Kind::InvalidLogoutToken, "invalid-logout-token", 400, "Invalid logout token",
        "The logout token is not valid."),
    Row(Kind::Unauthenticated, "unauthenticated", 401, "Authentication required",
        "Send an access token: `Authorization: Bearer …`."),
    Row(Kind::InvalidToken, "invalid-token", 401, "Invalid token",
        "Invalid or expired token"),
    Row(Kind::TokenRevoked, "token-revoked", 401, "Session ended",
        "The session of this token was logged out."),
    Row(Kind::Forbidden, "forbidden", 403, "Forbidden",
        "Your roles do not allow this."),
    Row(Kind::AccountDisabled, "account-disabled", 403, "Account disabled",
        "This account is deactivated."),
    Row(Kind::NotFound, "not-found", 404, "Not found",
        "There is nothing at this address."),
    Row(Kind::TaskNotFound, "task-not-found", 404, "Task not found",
        "Task not found"),
    Row(Kind::UserNotFound, "user-not-found", 404, "User not found",
        "User not found"),
    Row(Kind::ExportNotFound, "export-not-found", 404, "Export not found",
        "Export not found"),
    Row(Kind::MethodNotAllowed, "method-not-allowed", 405, "Method not allowed",
        "This address does not know that method; `Allow` lists those that it knows."),
    Row(Kind::IdempotencyInProgress, "idempotency-in-progress", 409, "Request in progress",
        "A request with the same Idempotency-Key is still at work. Try again in a moment."),
    Row(Kind::Conflict, "conflict", 409, "Conflict",
        "The resource is not in a state that allows this."),
    Row(Kind::PreconditionFailed, "precondition-failed", 412, "Precondition failed",
        "The resource has changed; `current_version` is its version now."),
    Row(Kind::PayloadTooLarge, "payload-too-large", 413, "Payload too large",
        "The body must be at most 256 KiB."),
    Row(Kind::UnsupportedMediaType, "unsupported-media-type", 415, "Unsupported media type",
        "Send the body as `Content-Type: application/json`."),
    Row(Kind::ValidationFailed, "validation-failed", 422, "Validation failed",
        "Some values are not valid; `errors` says which."),
    Row(Kind::InvalidCursor, "invalid-cursor", 422, "Invalid cursor",
        "The cursor does not belong to this list."),
    Row(Kind::PageTooDeep, "page-too-deep", 422, "Page too deep",
        "Pages reach 10,000 entries deep; go on with `next_cursor`."),
    Row(Kind::IdempotencyKeyReused, "idempotency-key-reused", 422, "Idempotency key reused",
        "This Idempotency-Key was used for another request. Use a new key for a new request."),
    Row(Kind::RateLimited, "rate-limited", 429, "Too many requests",
        "Rate limit exceeded. Try again later."),
    Row(Kind::InternalError, "internal-error", 500, "Internal error",
        "Something went wrong on our side. Quote `request_id` if you report it."),
    Row(Kind::DatabaseUnavailable, "database-unavailable", 503, "Database unavailable",
        "The database is not available. A change may or may not have been made: repeat the request with its Idempotency-Key, which has one effect."),
    Row(Kind::AuthUnavailable, "auth-unavailable", 503, "Authentication unavailable",
        "Tokens cannot be verified at the moment. Try again in a moment."),
    Row(Kind::Timeout, "timeout", 504, "Timeout",
        "The answer took too long. A change may or may not have been made: repeat the request with its Idempotency-Key, which has one effect."),
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

    /// What is said if there is nothing more exact to say.
    pub const fn detail(self) -> &'static str {
        self.row().4
    }

    /// The title for people.
    pub const fn title(self) -> &'static str {
        self.row().3
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
}
