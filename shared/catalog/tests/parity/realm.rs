//! The realm export has what the code expects of an identity provider.

use std::collections::BTreeSet;

use domain::Role;
use serde_json::Value;

use crate::{read, same};

fn realm() -> Value {
    serde_json::from_str(&read("localstack/keycloak/task-manager-realm.json")).unwrap()
}

fn names(list: &Value, key: &str) -> BTreeSet<String> {
    list.as_array().unwrap().iter().map(|item| item[key].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_realm_has_the_roles_of_the_code_and_no_other() {
    let expected = Role::ALL.map(|role| role.name().to_owned()).into();
    same(&expected, &names(&realm()["roles"]["realm"], "name"), "domain::Role", "the realm");
}

#[test]
fn the_realm_has_the_clients_that_the_documents_name() {
    let expected =
        ["fastapi-backend", "prometheus", "task-api", "task-mobile", "task-web", "task-worker"];
    let expected = expected.map(str::to_owned).into();
    same(&expected, &names(&realm()["clients"], "clientId"), "the contract", "the realm");
}

#[test]
fn every_client_that_gets_tokens_gets_them_for_this_api() {
    for client in realm()["clients"].as_array().unwrap() {
        let name = client["clientId"].as_str().unwrap();
        let mappers = client["protocolMappers"].as_array().cloned().unwrap_or_default();
        let maps = mappers.iter().any(|mapper| {
            mapper["protocolMapper"] == "oidc-audience-mapper"
                && mapper["config"]["included.client.audience"] == "task-api"
                && mapper["config"]["access.token.claim"] == "true"
        });
        assert!(maps || name == "task-api", "{name} has no audience mapper");
    }
}

#[test]
fn tokens_are_short_and_guessing_is_slow() {
    assert_eq!(realm()["accessTokenLifespan"], 300);
    assert_eq!(realm()["bruteForceProtected"], true);
}
