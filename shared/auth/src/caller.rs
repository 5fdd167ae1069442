//! The caller that a token speaks for.

use domain::input::parse_uuid;
use domain::{Permissions, Private, Role};
use serde_json::Value;
use uuid::Uuid;

use crate::claims::{Claims, Life};
use crate::{Reason, Settings};

const LONGEST_SESSION: usize = 128;
/// How Keycloak begins the user name of a client that acts for itself.
const SERVICE_ACCOUNT: &str = "service-account-";

/// Who is calling, and what they may do.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The person or the service account.
    pub sub: Uuid,
    /// The session at the issuer, by which the token can be revoked. A service account may have none.
    pub sid: Option<String>,
    /// When the token was issued, in seconds since 1970.
    pub issued_at: i64,
    /// When the token ends, in seconds since 1970.
    pub expires_at: i64,
    /// The name to sign in with.
    pub username: Option<Private<String>>,
    /// The name to be called by.
    pub name: Option<Private<String>>,
    /// The address to write to.
    pub email: Option<Private<String>>,
    /// Those of our roles that the token carries, weakest first.
    pub roles: Vec<Role>,
    /// What the roles give, narrowed by the token's scope.
    pub permissions: Permissions,
}

impl Caller {
    /// The caller of a token whose signature and claims are good.
    pub(crate) fn of(claims: &Claims, life: &Life, settings: &Settings) -> Result<Self, Reason> {
        let sub = claims.text("sub").and_then(parse_uuid).ok_or(Reason::Subject)?;
        let sid = session(claims)?;
        let roles = roles(claims, &settings.role_clients)?;
        let scope = match claims.get("scope") {
            None => "",
            // No scope means "everything": a broken one must not.
            Some(value) => value.as_str().ok_or(Reason::Scope)?,
        };
        Ok(Self {
            sub,
            sid,
            issued_at: life.issued_at,
            expires_at: life.expires_at,
            username: private(claims, "preferred_username")?,
            name: private(claims, "name")?,
            email: private(claims, "email")?,
            permissions: settings.role_map.union(&roles).narrowed_by(scope),
            roles,
        })
    }
}

/// A person's token must name its session, or a logout could not revoke it. A service account has
/// no session; it is revoked by its `sub`.
fn session(claims: &Claims) -> Result<Option<String>, Reason> {
    match claims.get("sid") {
        Some(Value::String(sid)) if is_session(sid) => Ok(Some(sid.clone())),
        None if is_service_account(claims) => Ok(None),
        _ => Err(Reason::Session),
    }
}

/// Whether that is how sessions are named.
pub(crate) fn is_session(sid: &str) -> bool {
    (1..=LONGEST_SESSION).contains(&sid.len())
        && sid.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

/// The user name alone would not do: a person might choose one like it.
fn is_service_account(claims: &Claims) -> bool {
    let named = claims.text("preferred_username").is_some_and(|n| n.starts_with(SERVICE_ACCOUNT));
    named && claims.text("client_id").is_some_and(|id| !id.is_empty())
}

/// A text about a person. Postgres could not store U+0000, so such a token ends here.
fn private(claims: &Claims, name: &str) -> Result<Option<Private<String>>, Reason> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if !text.contains('\0') => Ok(Some(Private::new(text.clone()))),
        Some(_) => Err(Reason::Person),
    }
}

/// Our roles among those of the realm and of the clients that count.
fn roles(claims: &Claims, clients: &[String]) -> Result<Vec<Role>, Reason> {
    let mut found = named_roles(claims.get("realm_access"))?;
    match claims.get("resource_access") {
        None => {}
        Some(Value::Object(access)) => {
            for client in clients {
                found.extend(named_roles(access.get(client))?);
            }
        }
        Some(_) => return Err(Reason::Roles),
    }
    Ok(Role::ALL.into_iter().filter(|role| found.contains(role)).collect())
}

/// The known names in `{"roles": [...]}`.
fn named_roles(access: Option<&Value>) -> Result<Vec<Role>, Reason> {
    let Some(access) = access else { return Ok(Vec::new()) };
    let Some(names) = access.as_object().ok_or(Reason::Roles)?.get("roles") else {
        return Ok(Vec::new());
    };
    let mut roles = Vec::new();
    for name in names.as_array().ok_or(Reason::Roles)? {
        roles.extend(Role::named(name.as_str().ok_or(Reason::Roles)?));
    }
    Ok(roles)
}
