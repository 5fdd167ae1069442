//! One case for each answer that a route declares. A route or an answer without a case fails.
//!
//! A new route needs a file here, with what is particular to it, and its name below: once as a
//! module, once in the list. (A macro that did both would hide the files from `cargo fmt`.) The
//! problems that every route meets in the same way are in `common`.

mod case;
mod common;
mod hold;
mod subject;

mod audit_list;
mod auth_logout;
mod exports_create;
mod exports_get;
mod exports_list;
mod health;
mod me_get;
mod me_update;
mod not_found;
mod stats_get;
mod tasks_create;
mod tasks_delete;
mod tasks_get;
mod tasks_history;
mod tasks_list;
mod tasks_replace;
mod tasks_restore;
mod tasks_update;
mod users_list;
mod users_update;

use std::collections::BTreeSet;

pub(crate) use case::{Case, Named, RouteCases, case, success_of};

case::routes![
    audit_list,
    auth_logout,
    exports_create,
    exports_get,
    exports_list,
    health,
    me_get,
    me_update,
    not_found,
    stats_get,
    tasks_create,
    tasks_delete,
    tasks_get,
    tasks_history,
    tasks_list,
    tasks_replace,
    tasks_restore,
    tasks_update,
    users_list,
    users_update,
];

#[test]
fn every_route_has_a_file_of_cases_and_every_file_a_route() {
    let routes: BTreeSet<_> = catalog::routes().iter().map(|entry| entry.spec.name).collect();
    let files: BTreeSet<_> = ALL.iter().map(|cases| cases.route).collect();
    let missing: Vec<_> = routes.difference(&files).collect();
    let stale: Vec<_> = files.difference(&routes).collect();
    let both = missing.is_empty() && stale.is_empty();
    assert!(both, "routes without cases: {missing:?}; cases without a route: {stale:?}");
    assert_eq!(files.len(), ALL.len(), "a route has its cases in two files");
}
