//! What the operator decides.

use domain::RoleMap;
use http::Uri;

use crate::Alg;

/// Whose tokens count, for whom, and what their roles give.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The `iss` of every token, character by character.
    pub issuer: String,
    /// Where the issuer publishes its keys.
    pub jwks_url: String,
    /// A token must be for one of these.
    pub audiences: Vec<String>,
    /// The clients that may have asked for the token (`azp`). Empty: any.
    pub authorized_parties: Vec<String>,
    /// A logout token must be for one of these: the clients that people sign in with. Empty: the
    /// `authorized_parties`, or without any, the `audiences`.
    pub logout_audiences: Vec<String>,
    /// Whether the header of a logout token may call it just `JWT`, as Keycloak's did before
    /// version 25. Without need it had better not: the type is what tells kinds of tokens apart.
    pub plain_logout_type: bool,
    /// Whether a logout ends every session of the user, and not only the one that it names.
    pub logout_ends_all: bool,
    /// How a token may be signed.
    pub algorithms: Vec<Alg>,
    /// The clients in `resource_access` whose roles count as ours.
    pub role_clients: Vec<String>,
    /// What a role gives.
    pub role_map: RoleMap,
    /// Whether `jwks_url` may be plain HTTP. Only in the local cloud.
    pub http_allowed: bool,
    /// The only certificate authorities to trust for `jwks_url`. None: those of the web.
    pub ca_pem: Option<Vec<u8>>,
}

/// Settings that cannot work, or would not be safe.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// Nobody's tokens would count.
    #[error("the issuer is empty")]
    NoIssuer,
    /// No token would be for us.
    #[error("the list of audiences is empty, or holds an empty one")]
    NoAudience,
    /// No signature would count.
    #[error("the list of signature algorithms is empty")]
    NoAlgorithm,
    /// Keys cannot be fetched from there.
    #[error("the address of the keys is not an absolute http(s) URL without a user name")]
    Address,
    /// Whoever stands between could hand us keys.
    #[error("the address of the keys must be https outside the local cloud")]
    PlainHttp,
    /// The trusted certificates cannot be used.
    #[error("the certificate authorities are not usable: {0}")]
    Authorities(String),
}

impl Settings {
    /// Whom a logout token may be for: the first of three lists that has an entry.
    ///
    /// Keycloak writes the client that a person had signed in with, not the API. The clients whose
    /// access tokens count are those whose logouts do. Where no client is listed, only our own
    /// audiences are left, and not "anybody": a token for a stranger is in that stranger's hands,
    /// who could bring it here in time. So an operator who lists no client gets no logouts, unless
    /// the API is a client itself.
    pub(crate) fn logout_audiences(&self) -> &[String] {
        let lists = [&self.logout_audiences, &self.authorized_parties];
        lists.into_iter().find(|list| !list.is_empty()).unwrap_or(&self.audiences)
    }

    /// The address of the keys, once everything has proved sound.
    pub(crate) fn checked(&self) -> Result<Uri, SettingsError> {
        if self.issuer.is_empty() {
            return Err(SettingsError::NoIssuer);
        }
        if self.audiences.is_empty() || self.audiences.iter().any(String::is_empty) {
            return Err(SettingsError::NoAudience);
        }
        if self.algorithms.is_empty() {
            return Err(SettingsError::NoAlgorithm);
        }
        let uri: Uri = self.jwks_url.parse().map_err(|_| SettingsError::Address)?;
        let authority = uri.authority().ok_or(SettingsError::Address)?;
        if authority.as_str().contains('@') {
            return Err(SettingsError::Address);
        }
        match uri.scheme_str() {
            Some("https") => Ok(uri),
            Some("http") if self.http_allowed => Ok(uri),
            Some("http") => Err(SettingsError::PlainHttp),
            _ => Err(SettingsError::Address),
        }
    }
}
