//! What an export may not contain, because the issuer would make other tokens from it than
//! Keycloak. Better no start than a test that passes against the wrong token.

use std::collections::HashSet;

use super::{Client, LOGOUT_OFFLINE, LOGOUT_SESSION, LOGOUT_URL, Realm, RealmError, Role, User};
use crate::{backchannel, mappers};

impl Realm {
    pub(super) fn check(&self) -> Result<(), RealmError> {
        let found = self
            .missing_scopes()
            .or_else(|| self.unknown_mapper())
            .or_else(|| self.composite_role())
            .or_else(|| self.clients.iter().find_map(|client| self.client_fault(client)))
            .or_else(|| self.users.iter().find_map(|user| self.user_fault(user)));
        found.map_or(Ok(()), |reason| Err(RealmError::Unsupported(reason)))
    }

    fn missing_scopes(&self) -> Option<String> {
        let own = self.default_scopes.iter().chain(&self.optional_scopes);
        let used = self.clients.iter().flat_map(|client| {
            client.default_client_scopes.iter().chain(&client.optional_client_scopes)
        });
        own.chain(used)
            .find(|name| self.scope(name).is_none())
            .map(|name| format!("client scope `{name}` is used but not defined"))
    }

    fn unknown_mapper(&self) -> Option<String> {
        let of_scopes = self.client_scopes.iter().flat_map(|scope| &scope.protocol_mappers);
        let of_clients = self.clients.iter().flat_map(|client| &client.protocol_mappers);
        of_scopes
            .chain(of_clients)
            .find(|mapper| !mappers::KNOWN.contains(&mapper.kind.as_str()))
            .map(|mapper| format!("protocol mapper `{}` is not supported", mapper.kind))
    }

    fn composite_role(&self) -> Option<String> {
        let all = self.roles.realm.iter().chain(self.roles.client.values().flatten());
        all.filter(|role| role.composite)
            .map(|role| format!("role `{}` is composite, which is not supported", role.name))
            .next()
    }

    fn client_fault(&self, client: &Client) -> Option<String> {
        let id = &client.client_id;
        if !client.full_scope_allowed {
            return Some(format!("client `{id}` has no full scope, which is not supported"));
        }
        if client.service_accounts_enabled && self.service_account(id).is_none() {
            return Some(format!("client `{id}` has no service account user"));
        }
        let open = client.direct_access_grants_enabled || client.service_accounts_enabled;
        if open && !client.public_client && client.secret.is_empty() {
            return Some(format!("client `{id}` has no secret"));
        }
        logout_fault(client).map(|fault| format!("client `{id}`: {fault}"))
    }

    fn user_fault(&self, user: &User) -> Option<String> {
        let missing = |known: &[Role], wanted: &[String]| {
            let known: HashSet<_> = known.iter().map(|role| &role.name).collect();
            wanted.iter().find(|name| !known.contains(name)).cloned()
        };
        let of_clients = || {
            user.client_roles.iter().find_map(|(client, wanted)| {
                missing(self.roles.client.get(client).map_or(&[], Vec::as_slice), wanted)
            })
        };
        missing(&self.roles.realm, &user.realm_roles)
            .or_else(of_clients)
            .map(|role| format!("user `{}` has the undefined role `{role}`", user.username))
    }
}

/// What Keycloak would tell a client about a logout, and this issuer would not.
fn logout_fault(client: &Client) -> Option<String> {
    let url = client.logout_url();
    // Keycloak knows relative ones, and such with a place for a host's name.
    if let Some(url) = url.filter(|url| backchannel::address(url).is_none()) {
        return Some(format!("`{LOGOUT_URL}` is `{url}`, and must be an absolute http URL"));
    }
    let flag = |name| client.attributes.get(name).map_or("false", String::as_str);
    if !matches!(flag(LOGOUT_SESSION), "true" | "false") {
        return Some(format!("`{LOGOUT_SESSION}` is neither `true` nor `false`"));
    }
    // It would be one more event in the token.
    if flag(LOGOUT_OFFLINE) != "false" {
        return Some(format!("`{LOGOUT_OFFLINE}` is not supported"));
    }
    let known = [LOGOUT_URL, LOGOUT_SESSION, LOGOUT_OFFLINE];
    let about_it = |name: &&String| name.starts_with("backchannel.logout.");
    let unknown = |name: &&String| !known.contains(&name.as_str());
    let mut unknown = client.attributes.keys().filter(about_it).filter(unknown);
    unknown.next().map(|name| format!("attribute `{name}` is not supported"))
}
