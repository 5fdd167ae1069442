//! Whom a token is about.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::realm::User;
use crate::tokens::random_id;

/// Whom a token is about, and the client it is issued to. Tests make people of their own, so that
/// they do not share state with other tests; the realm's users become people at the token endpoint.
#[derive(Debug, Clone)]
pub struct Person {
    /// `sub`.
    pub sub: Uuid,
    /// `preferred_username`.
    pub username: String,
    /// `email`; service accounts have none.
    pub email: Option<String>,
    /// `email_verified`.
    pub email_verified: bool,
    /// `given_name`.
    pub first_name: Option<String>,
    /// `family_name`.
    pub last_name: Option<String>,
    /// `realm_access.roles`; without roles Keycloak leaves the claim out.
    pub realm_roles: Vec<String>,
    /// `resource_access.<client>.roles`; these clients also become part of `aud`.
    pub client_roles: BTreeMap<String, Vec<String>>,
    /// `sid`: the session; none marks the token of a service account.
    pub sid: Option<Uuid>,
    /// The optional scopes asked for, separated by spaces: `tasks:read`, `openid`…
    pub scope: String,
    /// `azp`: whose mappers apply. A client the realm does not know gets a token without audience.
    pub client: String,
    /// Moves `iat` and `exp`, in seconds: -600 makes a token that has expired.
    pub issued_in: i64,
}

impl Person {
    /// Somebody with an own id and session, signed in at `fastapi-backend`.
    pub fn new(username: &str, realm_roles: &[&str]) -> Self {
        Self {
            sub: random_id(),
            username: username.to_owned(),
            email: Some(format!("{username}@example.com")),
            email_verified: true,
            first_name: Some(username.to_owned()),
            last_name: Some("Tester".to_owned()),
            realm_roles: realm_roles.iter().map(|&role| role.to_owned()).collect(),
            client_roles: BTreeMap::new(),
            sid: Some(random_id()),
            scope: String::new(),
            client: "fastapi-backend".to_owned(),
            issued_in: 0,
        }
    }

    /// The service account of a client: no session, no name, no address.
    pub fn service(client: &str, realm_roles: &[&str]) -> Self {
        Self {
            email: None,
            email_verified: false,
            first_name: None,
            last_name: None,
            sid: None,
            client: client.to_owned(),
            ..Self::new(&format!("service-account-{client}"), realm_roles)
        }
    }

    pub(crate) fn of(user: &User, client: &str, sid: Option<Uuid>) -> Self {
        Self {
            sub: user.id,
            username: user.username.clone(),
            email: user.email.clone(),
            email_verified: user.email_verified,
            first_name: user.first_name.clone(),
            last_name: user.last_name.clone(),
            realm_roles: user.realm_roles.clone(),
            client_roles: user.client_roles.clone(),
            sid,
            scope: String::new(),
            client: client.to_owned(),
            issued_in: 0,
        }
    }

    pub(crate) fn full_name(&self) -> Option<String> {
        let parts: Vec<&str> =
            [&self.first_name, &self.last_name].into_iter().flatten().map(String::as_str).collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    }
}
