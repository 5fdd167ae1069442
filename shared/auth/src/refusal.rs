//! Why a caller is not let in.

/// The answer to a request without a good token: here, to one that needs an access token. A logout
/// token that is not good is answered 400, whatever the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No token was sent: 401 without an error code.
    #[error("no bearer token was sent")]
    Missing,
    /// The token is not good: 401. The reason is for the log only; a client learns no more than that.
    #[error("the token is refused: {0}")]
    Invalid(&'static str),
    /// There are no keys to judge by: 503, since the token may be good.
    #[error("there are no keys to judge a token by")]
    Unavailable,
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        Self::Invalid(reason.text())
    }
}

/// What is wrong with a token. One word for each check, so that a log can be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the texts below say it")]
pub enum Reason {
    Repeated,
    Malformed,
    TooLong,
    Parts,
    Base64,
    Header,
    Algorithm,
    KeyId,
    Extension,
    HeaderType,
    UnknownKey,
    KeyMismatch,
    Signature,
    Claims,
    Issuer,
    Audience,
    Party,
    Expiry,
    Expired,
    NotBefore,
    NotYet,
    IssuedAt,
    IssuedLater,
    Lifetime,
    Purpose,
    Subject,
    Session,
    Person,
    Roles,
    Scope,
    Events,
    Nonce,
    TokenId,
    Stale,
    Nobody,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 35] = [
        Self::Repeated,
        Self::Malformed,
        Self::TooLong,
        Self::Parts,
        Self::Base64,
        Self::Header,
        Self::Algorithm,
        Self::KeyId,
        Self::Extension,
        Self::HeaderType,
        Self::UnknownKey,
        Self::KeyMismatch,
        Self::Signature,
        Self::Claims,
        Self::Issuer,
        Self::Audience,
        Self::Party,
        Self::Expiry,
        Self::Expired,
        Self::NotBefore,
        Self::NotYet,
        Self::IssuedAt,
        Self::IssuedLater,
        Self::Lifetime,
        Self::Purpose,
        Self::Subject,
        Self::Session,
        Self::Person,
        Self::Roles,
        Self::Scope,
        Self::Events,
        Self::Nonce,
        Self::TokenId,
        Self::Stale,
        Self::Nobody,
    ];

    /// The reason in words. Never repeats anything of the token.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Repeated => "more than one Authorization header",
            Self::Malformed => "the Authorization header is malformed",
            Self::TooLong => "the token is longer than 8192 bytes",
            Self::Parts => "the token does not have three parts",
            Self::Base64 => "a part is not canonical base64url",
            Self::Header => "the header is not a JSON object without repeated members",
            Self::Algorithm => "the algorithm is not allowed",
            Self::KeyId => "the key id is missing or malformed",
            Self::Extension => "the header asks for an extension",
            Self::HeaderType => "the header's type is that of another kind of token",
            Self::UnknownKey => "the key is unknown",
            Self::KeyMismatch => "the key is for another algorithm",
            Self::Signature => "the signature is wrong",
            Self::Claims => "the claims are not a JSON object without repeated members",
            Self::Issuer => "another issuer",
            Self::Audience => "another audience",
            Self::Party => "another authorized party",
            Self::Expiry => "the expiry is missing or not a number",
            Self::Expired => "expired",
            Self::NotBefore => "the not-before time is not a number",
            Self::NotYet => "not valid yet",
            Self::IssuedAt => "the time of issue is missing or not a number",
            Self::IssuedLater => "issued in the future",
            Self::Lifetime => "the lifetime is longer than 24 hours or negative",
            Self::Purpose => "another kind of token",
            Self::Subject => "the subject is not a UUID",
            Self::Session => "the session is missing or malformed",
            Self::Person => "the user name, name or email is malformed",
            Self::Roles => "the roles are malformed",
            Self::Scope => "the scope is malformed",
            Self::Events => "the events are not those of a logout",
            Self::Nonce => "a logout token has no nonce",
            Self::TokenId => "the token's id is missing or malformed",
            Self::Stale => "issued more than two minutes ago, and without an expiry",
            Self::Nobody => "neither a subject nor a session",
        }
    }
}
