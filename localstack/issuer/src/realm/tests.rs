//! The realm export says what the documents promise.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Realm;
use crate::tests::EXPORT;

fn export() -> Value {
    serde_json::from_str(include_str!("../../../keycloak/task-manager-realm.json")).unwrap()
}

fn client(id: &str) -> Value {
    let export = export();
    let mut clients = export["clients"].as_array().unwrap().iter();
    clients.find(|client| client["clientId"] == id).unwrap_or_else(|| panic!("no {id}")).clone()
}

fn names(list: &Value, field: &str) -> BTreeSet<String> {
    let names = list.as_array().unwrap().iter().map(|item| item[field].as_str().unwrap());
    names.map(str::to_owned).collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

const SIGNING_IN: [&str; 3] = ["fastapi-backend", "task-web", "task-mobile"];
const SERVICES: [(&str, &str, &str); 2] = [
    ("task-worker", "local-worker-secret", "user"),
    ("prometheus", "local-prometheus-secret", "viewer"),
];

#[test]
fn realm_roles_clients_and_lifetimes() {
    let realm = export();
    assert_eq!(realm["realm"], "task-manager");
    assert_eq!(realm["enabled"], true);
    assert_eq!(realm["accessTokenLifespan"], 300);
    assert_eq!(realm["bruteForceProtected"], true);
    assert_eq!(realm["registrationAllowed"], false);
    assert_eq!(names(&realm["roles"]["realm"], "name"), set(&["admin", "user", "viewer"]));
    for role in realm["roles"]["realm"].as_array().unwrap() {
        assert!(role["description"].is_string());
    }
    let mut clients = set(&SIGNING_IN);
    clients.extend(set(&["task-api", "task-worker", "prometheus"]));
    assert_eq!(names(&realm["clients"], "clientId"), clients);
}

#[test]
fn demo_people_sign_in_with_their_name() {
    let realm = Realm::read(EXPORT).unwrap();
    let roles: [(&str, &[&str]); 5] = [
        ("alice", &["user"]),
        ("bob", &["user"]),
        ("victor", &["viewer"]),
        ("admin", &["admin"]),
        ("nora", &[]),
    ];
    for (name, roles) in roles {
        let user = realm.user(name).unwrap();
        assert_eq!(user.realm_roles, roles, "{name}");
        assert!(user.has_password(name) && user.enabled && user.email_verified);
        assert_eq!(user.email, Some(format!("{name}@example.com")));
        // Keycloak asks a person without them to complete the account, and refuses until then.
        assert!(user.first_name.is_some() && user.last_name.is_some());
    }
    let ids: BTreeSet<_> = realm.users.iter().map(|user| user.id).collect();
    assert_eq!(ids.len(), realm.users.len());
}

#[test]
fn every_token_has_the_apis_audience() {
    for id in SIGNING_IN.into_iter().chain(SERVICES.map(|service| service.0)) {
        let client = client(id);
        let mappers = client["protocolMappers"].as_array().unwrap();
        assert!(
            mappers.iter().any(|mapper| mapper["protocolMapper"] == "oidc-audience-mapper"
                && mapper["config"]["included.client.audience"] == "task-api"
                && mapper["config"]["access.token.claim"] == "true"),
            "{id}: Keycloak adds no audience by itself"
        );
        let optional = ["tasks:read", "tasks:write", "tasks:delete", "tasks:admin"];
        assert_eq!(client["optionalClientScopes"], json!(optional), "{id}");
        let scopes = client["defaultClientScopes"].as_array().unwrap();
        for scope in ["basic", "profile", "email", "roles", "acr", "web-origins"] {
            assert!(scopes.contains(&json!(scope)), "{id} lacks {scope}");
        }
    }
}

#[test]
fn clients_have_the_flows_they_need_and_no_other() {
    let flows = ["standardFlowEnabled", "directAccessGrantsEnabled", "serviceAccountsEnabled"];
    for (id, public, expected) in [
        ("fastapi-backend", false, [true, true, false]),
        ("task-api", false, [false, false, false]),
        ("task-web", true, [true, false, false]),
        ("task-mobile", true, [true, false, false]),
        ("task-worker", false, [false, false, true]),
        ("prometheus", false, [false, false, true]),
    ] {
        let client = client(id);
        assert_eq!(client["publicClient"], public, "{id}");
        assert_eq!(flows.map(|flow| client[flow].as_bool().unwrap()), expected, "{id}");
        assert_eq!(client["implicitFlowEnabled"], false, "{id}");
    }
    assert_eq!(client("task-api")["bearerOnly"], true);
    assert_eq!(client("fastapi-backend")["secret"], "local-secret");
    for public in ["task-web", "task-mobile"] {
        assert_eq!(client(public)["attributes"]["pkce.code.challenge.method"], "S256");
        assert!(client(public).get("secret").is_none());
    }
    // Without the field Keycloak makes origins of the redirect URIs, and puts them in every token.
    for id in SIGNING_IN {
        assert!(client(id)["webOrigins"].is_array(), "{id}");
    }
    let device = "oauth2.device.authorization.grant.enabled";
    assert_eq!(client("task-mobile")["attributes"][device], "true");
}

#[test]
fn services_have_accounts_with_a_role() {
    let realm = Realm::read(EXPORT).unwrap();
    for (id, secret, role) in SERVICES {
        assert_eq!(realm.client(id).unwrap().secret, secret);
        let account = realm.service_account(id).unwrap();
        assert_eq!(account.realm_roles, [role]);
        assert_eq!(account.username, format!("service-account-{id}"));
        assert!(realm.user(&account.username).is_none(), "nobody signs in as {id}");
    }
}

#[test]
fn logout_reaches_the_api() {
    for id in SIGNING_IN {
        let attributes = &client(id)["attributes"];
        let url = "http://127.0.0.1:8000/oidc/backchannel-logout";
        assert_eq!(attributes["backchannel.logout.url"], url, "{id}");
        assert_eq!(attributes["backchannel.logout.session.required"], "true", "{id}");
    }
}

/// An export with own client scopes gets none of Keycloak's.
#[test]
fn scopes_that_keycloak_would_have_made_are_there() {
    let scopes = names(&export()["clientScopes"], "name");
    let built_in = ["basic", "profile", "email", "roles", "web-origins", "acr"];
    let ours = ["tasks:read", "tasks:write", "tasks:delete", "tasks:admin"];
    assert!(scopes.is_superset(&set(&built_in)) && scopes.is_superset(&set(&ours)));
}

const LOGOUT_URL: &str = "/clients/1/attributes/backchannel.logout.url";
const LOGOUT_SESSION: &str = "/clients/1/attributes/backchannel.logout.session.required";

#[test]
fn what_keycloak_would_read_otherwise_is_refused() {
    let offline = json!({ "backchannel.logout.revoke.offline.tokens": "true" });
    let faults: [(&str, Value, &str); 12] = [
        ("/clients/1/protocolMappers/0/protocolMapper", json!("magic"), "mapper `magic`"),
        ("/clients/1/defaultClientScopes/0", json!("nope"), "client scope `nope`"),
        ("/clients/1/fullScopeAllowed", json!(false), "no full scope"),
        ("/clients/1/secret", json!(""), "`fastapi-backend` has no secret"),
        (LOGOUT_URL, json!("https://127.0.0.1/"), "must be an absolute http URL"),
        (LOGOUT_URL, json!("/oidc/backchannel-logout"), "must be an absolute http URL"),
        (LOGOUT_URL, json!("http://${application.session.host}/"), "must be an absolute http URL"),
        (LOGOUT_SESSION, json!("yes"), "neither `true` nor `false`"),
        ("/clients/1/attributes", offline, "revoke.offline.tokens` is not supported"),
        (
            "/clients/1/attributes",
            json!({ "backchannel.logout.x": "" }),
            "logout.x` is not supported",
        ),
        ("/users/0/realmRoles/0", json!("boss"), "undefined role `boss`"),
        ("/users/5/serviceAccountClientId", json!("x"), "no service account user"),
    ];
    for (place, value, reason) in faults {
        let mut export = export();
        *export.pointer_mut(place).unwrap() = value;
        let error = Realm::parse(&export.to_string()).unwrap_err().to_string();
        assert!(error.contains(reason), "{place}: {error}");
    }
    let mut composite = export();
    composite["roles"]["realm"][0]["composite"] = json!(true);
    assert!(Realm::parse(&composite.to_string()).is_err());
    assert!(Realm::parse("{}").is_err());
    assert!(Realm::read("no-such-file.json").unwrap_err().to_string().contains("no-such-file"));
}
