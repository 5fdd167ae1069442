//! Which client scopes a token gets.

use crate::realm::{Client, Realm};

/// The scopes of one token: `openid`, the ones asked for, then the client's defaults.
#[derive(Debug, Clone)]
pub(crate) struct Granted(Vec<String>);

impl Granted {
    /// Keycloak's rule: `openid`, and every scope the client has, may be asked for; one other name
    /// refuses the whole request. Defaults come unasked.
    pub(crate) fn ask(client: &Client, asked: &str) -> Option<Self> {
        let (granted, unknown) = Self::sort(client, asked);
        unknown.is_empty().then_some(granted)
    }

    /// Tests may put any scope in a token.
    pub(crate) fn force(client: &Client, asked: &str) -> Self {
        let (Self(mut names), unknown) = Self::sort(client, asked);
        names.extend(unknown);
        Self(names)
    }

    /// A refresh may narrow a token. Asking for more than the first token had is ignored, not
    /// refused; that is what Keycloak does.
    pub(crate) fn again(client: &Client, first: &str, asked: Option<&str>) -> Self {
        let first: Vec<&str> = first.split_ascii_whitespace().collect();
        let asked = match asked {
            None => first,
            Some(asked) => {
                asked.split_ascii_whitespace().filter(|name| first.contains(name)).collect()
            }
        };
        Self::sort(client, &asked.join(" ")).0
    }

    fn sort(client: &Client, asked: &str) -> (Self, Vec<String>) {
        let mut names: Vec<String> = Vec::new();
        let mut unknown = Vec::new();
        for name in asked.split_ascii_whitespace().map(str::to_owned) {
            let known = name == "openid"
                || client.optional_client_scopes.contains(&name)
                || client.default_client_scopes.contains(&name);
            let list = if known { &mut names } else { &mut unknown };
            if !list.contains(&name) {
                list.push(name);
            }
        }
        names.sort_by_key(|name| name != "openid");
        for name in &client.default_client_scopes {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        (Self(names), unknown)
    }

    pub(crate) fn openid(&self) -> bool {
        self.has("openid")
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|own| own == name)
    }

    /// Every name: what a refresh token remembers.
    pub(crate) fn all(&self) -> String {
        self.0.join(" ")
    }

    /// The `scope` claim: without the scopes that exist only for their mappers.
    pub(crate) fn claim(&self, realm: &Realm) -> String {
        let shown = |name: &&str| realm.scope(name).is_none_or(super::realm::ClientScope::shown);
        self.0.iter().map(String::as_str).filter(shown).collect::<Vec<_>>().join(" ")
    }
}
