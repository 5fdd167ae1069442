//! The realm export, as far as the issuer reads it. Field names are Keycloak's.

mod check;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use uuid::Uuid;

/// The attributes of a client that are about back-channel logout. Others are about flows that are
/// not served.
const LOGOUT_URL: &str = "backchannel.logout.url";
const LOGOUT_SESSION: &str = "backchannel.logout.session.required";
const LOGOUT_OFFLINE: &str = "backchannel.logout.revoke.offline.tokens";

/// A realm export that this issuer can serve.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Realm {
    #[serde(rename = "realm")]
    pub(crate) name: String,
    pub(crate) access_token_lifespan: i64,
    pub(crate) sso_session_idle_timeout: i64,
    pub(crate) sso_session_max_lifespan: i64,
    #[serde(default)]
    pub(crate) login_with_email_allowed: bool,
    pub(crate) roles: Roles,
    pub(crate) client_scopes: Vec<ClientScope>,
    #[serde(default, rename = "defaultDefaultClientScopes")]
    pub(crate) default_scopes: Vec<String>,
    #[serde(default, rename = "defaultOptionalClientScopes")]
    pub(crate) optional_scopes: Vec<String>,
    pub(crate) clients: Vec<Client>,
    pub(crate) users: Vec<User>,
}

/// Why a realm export cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum RealmError {
    /// The file is not there or not readable.
    #[error("cannot read realm export {path}: {source}")]
    File {
        /// Where it was looked for.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Not JSON, or a field is missing.
    #[error("not a realm export: {0}")]
    Shape(#[from] serde_json::Error),
    /// Keycloak would make other tokens from this export than the issuer.
    #[error("realm export: {0}")]
    Unsupported(String),
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Roles {
    #[serde(default)]
    pub(crate) realm: Vec<Role>,
    #[serde(default)]
    pub(crate) client: HashMap<String, Vec<Role>>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Role {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) composite: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ClientScope {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) attributes: HashMap<String, String>,
    #[serde(default)]
    pub(crate) protocol_mappers: Vec<Mapper>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Mapper {
    #[serde(rename = "protocolMapper")]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) config: HashMap<String, String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(
    clippy::struct_excessive_bools,
    clippy::struct_field_names,
    reason = "these are the fields of Keycloak's export"
)]
pub(crate) struct Client {
    pub(crate) client_id: String,
    #[serde(default = "yes")]
    pub(crate) enabled: bool,
    #[serde(default)]
    pub(crate) public_client: bool,
    #[serde(default)]
    pub(crate) bearer_only: bool,
    #[serde(default)]
    pub(crate) secret: String,
    #[serde(default)]
    pub(crate) direct_access_grants_enabled: bool,
    #[serde(default)]
    pub(crate) service_accounts_enabled: bool,
    #[serde(default = "yes")]
    pub(crate) full_scope_allowed: bool,
    #[serde(default)]
    pub(crate) web_origins: Vec<String>,
    #[serde(default)]
    pub(crate) attributes: HashMap<String, String>,
    #[serde(default)]
    pub(crate) protocol_mappers: Vec<Mapper>,
    #[serde(default)]
    pub(crate) default_client_scopes: Vec<String>,
    #[serde(default)]
    pub(crate) optional_client_scopes: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct User {
    pub(crate) id: Uuid,
    pub(crate) username: String,
    #[serde(default)]
    pub(crate) enabled: bool,
    pub(crate) email: Option<String>,
    #[serde(default)]
    pub(crate) email_verified: bool,
    pub(crate) first_name: Option<String>,
    pub(crate) last_name: Option<String>,
    #[serde(default)]
    pub(crate) credentials: Vec<Credential>,
    #[serde(default)]
    pub(crate) realm_roles: Vec<String>,
    #[serde(default)]
    pub(crate) client_roles: BTreeMap<String, Vec<String>>,
    pub(crate) service_account_client_id: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Credential {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) value: String,
}

fn yes() -> bool {
    true
}

impl Realm {
    /// Reads an export and refuses what this issuer would treat otherwise than Keycloak does.
    #[expect(clippy::disallowed_methods, reason = "read once, before the server runs")]
    pub fn read(path: impl AsRef<Path>) -> Result<Self, RealmError> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path)
            .map_err(|source| RealmError::File { path: path.to_owned(), source })?;
        Self::parse(&text)
    }

    /// The same from text.
    pub fn parse(text: &str) -> Result<Self, RealmError> {
        let realm: Self = serde_json::from_str(text)?;
        realm.check()?;
        Ok(realm)
    }

    pub(crate) fn client(&self, id: &str) -> Option<&Client> {
        self.clients.iter().find(|client| client.client_id == id)
    }

    pub(crate) fn scope(&self, name: &str) -> Option<&ClientScope> {
        self.client_scopes.iter().find(|scope| scope.name == name)
    }

    /// A person by user name, or by address where the realm allows that. Service accounts are
    /// users too, but nobody signs in as one.
    pub(crate) fn user(&self, login: &str) -> Option<&User> {
        let login = login.to_lowercase();
        let people = || self.users.iter().filter(|user| user.service_account_client_id.is_none());
        people().find(|user| user.username == login).or_else(|| {
            people()
                .filter(|_| self.login_with_email_allowed)
                .find(|user| user.email.as_ref().is_some_and(|email| email.to_lowercase() == login))
        })
    }

    pub(crate) fn user_by_id(&self, id: Uuid) -> Option<&User> {
        self.users.iter().find(|user| user.id == id)
    }

    pub(crate) fn service_account(&self, client: &str) -> Option<&User> {
        self.users.iter().find(|user| user.service_account_client_id.as_deref() == Some(client))
    }
}

impl Client {
    /// A client as Keycloak makes one without further wishes: the realm's scopes, no audience.
    pub(crate) fn plain(id: &str, realm: &Realm) -> Self {
        Self {
            client_id: id.to_owned(),
            enabled: true,
            full_scope_allowed: true,
            default_client_scopes: realm.default_scopes.clone(),
            optional_client_scopes: realm.optional_scopes.clone(),
            ..Self::default()
        }
    }

    /// Where it wants to hear that a session is over.
    pub(crate) fn logout_url(&self) -> Option<&str> {
        self.attributes.get(LOGOUT_URL).map(String::as_str).filter(|url| !url.is_empty())
    }

    /// Whether it wants to hear which session. Keycloak's default is no.
    pub(crate) fn logout_names_session(&self) -> bool {
        self.attributes.get(LOGOUT_SESSION).is_some_and(|value| value == "true")
    }
}

impl ClientScope {
    /// Whether its name stands in the `scope` claim; Keycloak's default is yes.
    pub(crate) fn shown(&self) -> bool {
        self.attributes.get("include.in.token.scope").is_none_or(|value| value == "true")
    }
}

impl User {
    pub(crate) fn has_password(&self, password: &str) -> bool {
        self.credentials.iter().any(|known| known.kind == "password" && known.value == password)
    }
}
