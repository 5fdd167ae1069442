//! The template deploys what the catalog lists: the same functions, addresses, settings and rights.

use std::collections::{BTreeMap, BTreeSet};

use config::Need;
use route::{Access, DEFAULT_PATH, Entry};
use serde_yaml_ng::Value;

use crate::{Declared, Serves, declared, functions, read, same};

/// The settings that every function has, routes and others.
const GLOBAL: [&str; 2] = ["LOG_LEVEL", "STAGE"];

pub(crate) fn template() -> Value {
    serde_yaml_ng::from_str(&read("template.yaml")).unwrap()
}

/// A value below some keys.
pub(crate) fn at<'v>(value: &'v Value, keys: &[&str]) -> Option<&'v Value> {
    keys.iter().try_fold(value, |value, key| value.get(*key))
}

pub(crate) fn text(value: &Value, keys: &[&str]) -> String {
    at(value, keys).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn keys(value: Option<&Value>) -> BTreeSet<String> {
    let mapping = value.and_then(Value::as_mapping).cloned().unwrap_or_default();
    mapping.keys().map(|key| key.as_str().unwrap().to_owned()).collect()
}

/// The functions of the template by the names of their binaries.
pub(crate) fn deployed() -> BTreeMap<String, Value> {
    let template = template();
    let resources = template["Resources"].as_mapping().unwrap();
    let mut functions = BTreeMap::new();
    for (id, resource) in resources {
        if text(resource, &["Type"]) != "AWS::Serverless::Function" {
            continue;
        }
        let binary = text(resource, &["Metadata", "BuildProperties", "Binary"]);
        assert_eq!(text(resource, &["Metadata", "BuildMethod"]), "rust-cargolambda", "{binary}");
        assert_eq!(id.as_str().unwrap(), logical_id(&binary), "the logical id of {binary}");
        assert!(functions.insert(binary.clone(), resource.clone()).is_none(), "{binary} is twice");
    }
    functions
}

#[track_caller]
pub(crate) fn function<'d>(deployed: &'d BTreeMap<String, Value>, name: &str) -> &'d Value {
    deployed.get(name).unwrap_or_else(|| panic!("{name} is not in template.yaml"))
}

/// `tasks-create` is `TasksCreateFunction`.
pub(crate) fn logical_id(name: &str) -> String {
    let words = name.split('-').map(|word| format!("{}{}", word[..1].to_uppercase(), &word[1..]));
    words.collect::<String>() + "Function"
}

pub(crate) fn settings(function: &Value) -> BTreeSet<String> {
    keys(at(function, &["Properties", "Environment", "Variables"]))
}

/// The login role whose secret a value refers to: `!Ref ApiReadSecretArn` is `api_read`.
pub(crate) fn role_of(reference: &Value) -> String {
    let Value::Tagged(tagged) = reference else { return String::new() };
    let name = tagged.value.as_str().unwrap_or_default().trim_end_matches("SecretArn");
    let mut role = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !role.is_empty() {
            role.push('_');
        }
        role.extend(letter.to_lowercase());
    }
    role
}

#[test]
fn each_function_of_the_catalog_is_deployed_and_no_other() {
    let found = deployed().into_keys().collect();
    same(&functions(), &found, "the catalog (shared/catalog)", "template.yaml");
}

#[test]
fn each_function_answers_at_the_addresses_it_declares_and_no_other() {
    let deployed = deployed();
    for Entry { spec, .. } in catalog::routes() {
        let function = function(&deployed, spec.name);
        let mut found = BTreeSet::new();
        for (_, event) in at(function, &["Properties", "Events"]).unwrap().as_mapping().unwrap() {
            assert_eq!(text(event, &["Type"]), "HttpApi", "{}", spec.name);
            let method = text(event, &["Properties", "Method"]);
            let path = text(event, &["Properties", "Path"]);
            let key = if path == DEFAULT_PATH { path } else { format!("{method} {path}") };
            assert!(found.insert(key.clone()), "{}: {key} is twice there", spec.name);
        }
        let expected = spec.route_keys().into_iter().collect();
        same(
            &expected,
            &found,
            &format!("the spec of {}", spec.name),
            "its events in the template",
        );
    }
}

#[test]
fn each_function_has_the_settings_it_needs_and_no_other() {
    let template = template();
    let global = keys(at(&template, &["Globals", "Function", "Environment", "Variables"]));
    same(&GLOBAL.map(str::to_owned).into(), &global, "this test", "the template's globals");

    let deployed = deployed();
    for Declared { name, needs, serves } in declared() {
        let found = settings(function(&deployed, name));
        let all = |of: fn(Need) -> &'static [&'static str]| {
            needs.iter().flat_map(move |need| of(*need)).map(|s| (*s).to_owned())
        };
        let of_routes = matches!(serves, Serves::Route).then(|| "PUBLIC_URL".to_owned());
        let required: BTreeSet<_> = all(Need::required).chain(of_routes).collect();
        let known: BTreeSet<_> = required.iter().cloned().chain(all(Need::optional)).collect();
        let missing: Vec<_> = required.difference(&found).collect();
        let unknown: Vec<_> = found.difference(&known).collect();
        assert!(missing.is_empty(), "{name} needs, but the template does not set: {missing:?}");
        assert!(unknown.is_empty(), "the template sets for {name}, which has no use: {unknown:?}");
    }
}

/// The parameter that a setting refers to: `!Ref DatabaseUrl`.
pub(crate) fn parameter(function: &Value, setting: &str) -> Option<String> {
    let value = at(function, &["Properties", "Environment", "Variables", setting])?;
    let Value::Tagged(tagged) = value else { return None };
    tagged.value.as_str().map(str::to_owned)
}

#[test]
fn all_go_through_the_pooler_and_migrations_past_it() {
    let deployed = deployed();
    for Declared { name, .. } in declared() {
        let url = parameter(function(&deployed, name), "DATABASE_URL");
        assert!(url.is_none_or(|url| url == "DatabaseUrl"), "{name}");
        let url = parameter(function(&deployed, name), "CLUSTER_URL");
        assert!(url.is_none_or(|url| url == "ClusterUrl"), "{name}");
    }
    let migrate = function(&deployed, "migrate");
    assert_eq!(parameter(migrate, "DATABASE_URL").as_deref(), Some("ClusterUrl"));
    let roles = ["admin", "api_read", "api_write", "worker", "migrate"];
    let variable = |role: &str| format!("DATABASE_{}_CREDENTIALS_ARN", role.to_uppercase());
    let expected = roles.map(variable).into_iter().chain(["DATABASE_URL".to_owned()]).collect();
    same(&expected, &settings(migrate), "what migrate reads", "its settings in the template");
    for role in roles {
        let value = ["Properties", "Environment", "Variables", &variable(role)];
        assert_eq!(at(migrate, &value).map(role_of).as_deref(), Some(role));
    }
}

#[test]
fn no_gateway_authorizer_answers_instead_of_us() {
    // It would refuse in a form of its own, and only on AWS.
    let template = template();
    assert_eq!(at(&template, &["Resources", "Api", "Properties", "Auth"]), None);
    let protected = catalog::routes().iter().filter(|e| e.spec.access != Access::Public).count();
    assert!(protected > 0);
}
