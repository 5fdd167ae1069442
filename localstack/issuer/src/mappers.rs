//! Protocol mappers: the part of the export that says which claims a token has.

use serde_json::{Map, Value, json};

use crate::person::Person;
use crate::realm::{Client, Mapper, Realm};
use crate::scopes::Granted;

/// The mappers that are understood; an export with another one is refused.
pub(crate) const KNOWN: [&str; 11] = [
    "oidc-acr-mapper",
    "oidc-allowed-origins-mapper",
    "oidc-audience-mapper",
    "oidc-audience-resolve-mapper",
    "oidc-full-name-mapper",
    "oidc-sub-mapper",
    "oidc-usermodel-attribute-mapper",
    "oidc-usermodel-client-role-mapper",
    "oidc-usermodel-property-mapper",
    "oidc-usermodel-realm-role-mapper",
    "oidc-usersessionmodel-note-mapper",
];

/// Which token is made; each mapper says for which it is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Access,
    Id,
}

/// Whom and what the mappers speak about.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) realm: &'a Realm,
    pub(crate) client: &'a Client,
    pub(crate) person: &'a Person,
    pub(crate) granted: &'a Granted,
}

impl Subject<'_> {
    /// Adds the claims of all mappers, those of the client and those of the granted scopes.
    /// Audiences are collected apart, because Keycloak writes a single one as a string.
    pub(crate) fn map(self, kind: Kind, claims: &mut Map<String, Value>) {
        let switch = match kind {
            Kind::Access => "access.token.claim",
            Kind::Id => "id.token.claim",
        };
        let scopes = self.realm.client_scopes.iter().filter(|scope| self.granted.has(&scope.name));
        let mappers =
            self.client.protocol_mappers.iter().chain(scopes.flat_map(|s| &s.protocol_mappers));
        let mut audience = match kind {
            Kind::Access => Vec::new(),
            Kind::Id => vec![self.client.client_id.clone()],
        };
        for mapper in mappers.filter(|mapper| mapper.is(switch)) {
            self.apply(mapper, claims, &mut audience);
        }
        match audience.as_slice() {
            [] => None,
            [one] => claims.insert("aud".to_owned(), json!(one)),
            more => claims.insert("aud".to_owned(), json!(more)),
        };
    }

    fn apply(self, mapper: &Mapper, claims: &mut Map<String, Value>, audience: &mut Vec<String>) {
        let Self { client, person, .. } = self;
        let name = mapper.text("claim.name");
        match mapper.kind.as_str() {
            "oidc-sub-mapper" => put(claims, "sub", json!(person.sub)),
            "oidc-acr-mapper" => put(claims, "acr", json!("1")),
            "oidc-full-name-mapper" => put(claims, "name", json!(person.full_name())),
            "oidc-usermodel-attribute-mapper" | "oidc-usermodel-property-mapper" => {
                put(claims, name, attribute(person, mapper.text("user.attribute")));
            }
            // The only note of ours. `auth_time` belongs to browser logins, which do not exist here.
            "oidc-usersessionmodel-note-mapper"
                if mapper.text("user.session.note") == "client_id" && person.sid.is_none() =>
            {
                put(claims, name, json!(client.client_id));
            }
            "oidc-usermodel-realm-role-mapper" => put_roles(claims, name, &person.realm_roles),
            "oidc-usermodel-client-role-mapper" => {
                for (owner, roles) in &person.client_roles {
                    put_roles(claims, &name.replace("${client_id}", owner), roles);
                }
            }
            "oidc-audience-mapper" => add(audience, mapper.audience()),
            "oidc-audience-resolve-mapper" => {
                for (owner, roles) in &person.client_roles {
                    if *owner != client.client_id && !roles.is_empty() {
                        add(audience, owner);
                    }
                }
            }
            "oidc-allowed-origins-mapper" if !client.web_origins.is_empty() => {
                put(claims, "allowed-origins", json!(client.web_origins));
            }
            _ => {}
        }
    }
}

impl Mapper {
    fn text(&self, key: &str) -> &str {
        self.config.get(key).map_or("", String::as_str)
    }

    fn is(&self, switch: &str) -> bool {
        self.text(switch) == "true"
    }

    fn audience(&self) -> &str {
        match self.text("included.client.audience") {
            "" => self.text("included.custom.audience"),
            client => client,
        }
    }
}

fn attribute(person: &Person, name: &str) -> Value {
    match name {
        "username" => json!(person.username),
        "email" => json!(person.email),
        "emailVerified" => json!(person.email_verified),
        "firstName" => json!(person.first_name),
        "lastName" => json!(person.last_name),
        _ => Value::Null,
    }
}

fn add(audience: &mut Vec<String>, name: &str) {
    if !audience.iter().any(|known| known == name) {
        audience.push(name.to_owned());
    }
}

fn put_roles(claims: &mut Map<String, Value>, path: &str, roles: &[String]) {
    if !roles.is_empty() {
        put(claims, path, json!(roles));
    }
}

/// Sets a claim, dots make objects. What a person does not have is left out, not null.
fn put(claims: &mut Map<String, Value>, path: &str, value: Value) {
    if value.is_null() {
        return;
    }
    match path.split_once('.') {
        None => {
            claims.insert(path.to_owned(), value);
        }
        Some((first, rest)) => {
            let inner = claims.entry(first).or_insert_with(|| json!({}));
            if let Some(inner) = inner.as_object_mut() {
                put(inner, rest, value);
            }
        }
    }
}
