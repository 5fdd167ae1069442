//! One folder, one function, one name.

use std::collections::BTreeSet;

use crate::{file, folders, functions, same};

#[test]
fn each_folder_in_functions_is_in_the_catalog_and_each_entry_has_its_folder() {
    same(&functions(), &folders("functions"), "the catalog (shared/catalog)", "functions/");
}

#[test]
fn each_function_has_the_files_that_one_looks_for() {
    for function in functions() {
        for name in ["Cargo.toml", "src/lib.rs", "src/main.rs"] {
            let path = format!("functions/{function}/{name}");
            assert!(file(&path).is_file(), "{path} is missing");
        }
    }
}

#[test]
fn names_and_addresses_are_unique() {
    let mut seen = BTreeSet::new();
    for entry in catalog::routes() {
        assert!(seen.insert(entry.spec.name.to_owned()), "{} is twice there", entry.spec.name);
        for key in entry.spec.route_keys() {
            assert!(seen.insert(key.clone()), "two functions serve {key}");
        }
    }
}

#[test]
fn what_a_path_names_is_what_its_input_takes() {
    for entry in catalog::routes() {
        let named: Vec<_> = entry
            .spec
            .path
            .split('/')
            .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
            .collect();
        assert_eq!(named, entry.shape.path, "{}", entry.spec.name);
    }
}
