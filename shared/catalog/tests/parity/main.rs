//! Holds the folders, the manifests, the template, the table and the realm to the list of routes, in
//! both directions.
#![expect(
    clippy::disallowed_methods,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on ends; nothing else runs here that reading files could block"
)]

mod buckets;
mod folders;
mod manifests;
mod queues;
mod realm;
mod rights;
mod table;
mod template;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use config::Need;

/// A file of the repository.
fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

fn read(path: &str) -> String {
    std::fs::read_to_string(file(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// The folders in a folder.
fn folders(path: &str) -> BTreeSet<String> {
    std::fs::read_dir(file(path))
        .unwrap()
        .map(Result::unwrap)
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect()
}

/// The functions that should exist.
fn functions() -> BTreeSet<String> {
    let declared = declared().into_iter().map(|function| function.name.to_owned());
    declared.chain(catalog::OTHERS.map(str::to_owned)).collect()
}

/// A function of the catalog, whatever it serves.
struct Declared {
    name: &'static str,
    needs: Vec<Need>,
    serves: Serves,
}

/// What calls a function.
enum Serves {
    Route,
    Queue(worker::Spec),
    Time(worker::JobSpec),
}

fn declared() -> Vec<Declared> {
    let routes = catalog::routes().into_iter().map(|entry| Declared {
        name: entry.spec.name,
        needs: entry.needs,
        serves: Serves::Route,
    });
    let workers = catalog::workers().into_iter().map(|entry| Declared {
        name: entry.spec.name,
        needs: entry.needs,
        serves: Serves::Queue(entry.spec),
    });
    let jobs = catalog::jobs().into_iter().map(|entry| Declared {
        name: entry.spec.name,
        needs: entry.needs,
        serves: Serves::Time(entry.spec),
    });
    routes.chain(workers).chain(jobs).collect()
}

/// Compares two sets of names, and says what is missing where.
#[track_caller]
fn same(expected: &BTreeSet<String>, found: &BTreeSet<String>, here: &str, there: &str) {
    let missing: Vec<_> = expected.difference(found).collect();
    let extra: Vec<_> = found.difference(expected).collect();
    assert!(missing.is_empty(), "in {here}, but not in {there}: {missing:?}");
    assert!(extra.is_empty(), "in {there}, but not in {here}: {extra:?}");
}
