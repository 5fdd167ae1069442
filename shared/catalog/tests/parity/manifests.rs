//! Versions, lints and profiles stand once, in the workspace's manifest.

use toml::{Table, Value};

use crate::{folders, read};

/// The members that the root's manifest names, by glob or one by one.
fn members() -> Vec<String> {
    let root: Table = read("Cargo.toml").parse().unwrap();
    let members = root["workspace"]["members"].as_array().unwrap().iter();
    members
        .map(|member| member.as_str().unwrap())
        .flat_map(|member| match member.strip_suffix("/*") {
            Some(folder) => folders(folder).iter().map(|name| format!("{folder}/{name}")).collect(),
            None => vec![member.to_owned()],
        })
        .collect()
}

#[test]
fn every_member_inherits_what_the_workspace_says() {
    for member in members() {
        let manifest: Table = read(&format!("{member}/Cargo.toml")).parse().unwrap();
        let package = manifest["package"].as_table().unwrap();
        let folder = member.rsplit('/').next().unwrap();
        assert_eq!(package["name"].as_str(), Some(folder), "{member}: the name is the folder's");
        for field in ["version", "edition", "rust-version", "publish"] {
            let inherits = package[field].get("workspace") == Some(&Value::Boolean(true));
            assert!(inherits, "{member}: {field} is not the workspace's");
        }
        let lints = manifest.get("lints").and_then(|lints| lints.get("workspace"));
        assert_eq!(lints, Some(&Value::Boolean(true)), "{member}: lints are not the workspace's");
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let Some(dependencies) = manifest.get(section).and_then(Value::as_table) else {
                continue;
            };
            for (name, dependency) in dependencies {
                let inherits = dependency.get("workspace") == Some(&Value::Boolean(true));
                // Functions are ours and have no version; only catalog and testing name them.
                let path = dependency.get("path").and_then(Value::as_str).unwrap_or_default();
                assert!(
                    inherits || path.starts_with("../../functions/"),
                    "{member}: the version of {name} belongs in the root's manifest"
                );
            }
        }
    }
}

#[test]
fn a_function_depends_on_no_other_function() {
    for function in folders("functions") {
        let manifest: Table = read(&format!("functions/{function}/Cargo.toml")).parse().unwrap();
        for name in manifest["dependencies"].as_table().unwrap().keys() {
            assert!(!folders("functions").contains(name), "{function} depends on {name}");
        }
    }
}
