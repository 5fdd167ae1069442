//! Refusals in OAuth's form, with Keycloak's statuses and words.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::json;

use crate::keys::KeyError;

/// An answer that is not a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) error: &'static str,
    pub(crate) description: String,
}

impl Refusal {
    fn new(status: StatusCode, error: &'static str, description: impl Into<String>) -> Self {
        Self { status, error, description: description.into() }
    }

    /// No client, or one that does not exist.
    pub(crate) fn no_client() -> Self {
        let words = "Invalid client or Invalid client credentials";
        Self::new(StatusCode::UNAUTHORIZED, "invalid_client", words)
    }

    /// A client that exists and did not prove itself: Keycloak names this one differently.
    pub(crate) fn bad_client() -> Self {
        let words = "Invalid client or Invalid client credentials";
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized_client", words)
    }

    pub(crate) fn no_password_grant() -> Self {
        let words = "Client not allowed for direct access grants";
        Self::new(StatusCode::BAD_REQUEST, "unauthorized_client", words)
    }

    pub(crate) fn no_service_account(public: bool) -> Self {
        let words = if public {
            "Public client not allowed to retrieve service account"
        } else {
            "Client not enabled to retrieve service account"
        };
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized_client", words)
    }

    pub(crate) fn no_username() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "invalid_request", "Missing parameter: username")
    }

    pub(crate) fn bad_credentials() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "invalid_grant", "Invalid user credentials")
    }

    pub(crate) fn grant(words: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_grant", words)
    }

    pub(crate) fn request(words: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", words)
    }

    pub(crate) fn scope(asked: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_scope", format!("Invalid scopes: {asked}"))
    }

    pub(crate) fn grant_type() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "unsupported_grant_type", "Unsupported grant_type")
    }

    /// The outage that tests ask for.
    pub(crate) fn outage() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", "Not answering")
    }
}

impl From<KeyError> for Refusal {
    fn from(error: KeyError) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "server_error", error.to_string())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({ "error": self.error, "error_description": self.description });
        (self.status, Json(body)).into_response()
    }
}
