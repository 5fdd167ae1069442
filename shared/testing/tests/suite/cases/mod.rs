//! One case for each answer that a route declares. A route or an answer without a case fails.

mod health;
mod not_found;
mod support;
mod tasks_create;
mod tasks_get;

use std::collections::BTreeSet;
use std::pin::Pin;

use testing::{Reply, TestApp};

/// A case: which route, what it shows, and how to get the answer.
pub(crate) struct Case {
    route: &'static str,
    /// A status for a success, a problem's code otherwise.
    answer: &'static str,
    run: fn() -> Pin<Box<dyn Future<Output = Reply>>>,
}

/// Builds a case from an async function without parameters.
macro_rules! case {
    ($route:literal, $answer:literal, $run:path) => {
        $crate::cases::Case { route: $route, answer: $answer, run: || Box::pin($run()) }
    };
}
pub(crate) use case;

fn all() -> Vec<&'static Case> {
    [health::CASES, not_found::CASES, tasks_create::CASES, tasks_get::CASES]
        .into_iter()
        .flatten()
        .collect()
}

#[test]
fn every_declared_answer_of_every_route_has_a_case_and_no_other() {
    let mut declared = BTreeSet::new();
    for entry in catalog::routes() {
        let name = entry.spec.name;
        declared.extend(entry.statuses.iter().map(|status| (name, status.to_string())));
        declared.extend(entry.problems.iter().map(|kind| (name, kind.code().to_owned())));
    }
    let shown: BTreeSet<_> = all().iter().map(|c| (c.route, c.answer.to_owned())).collect();
    let missing: Vec<_> = declared.difference(&shown).collect();
    let stale: Vec<_> = shown.difference(&declared).collect();
    assert!(missing.is_empty(), "declared, but without a case: {missing:?}");
    assert!(stale.is_empty(), "a case for what is not declared: {stale:?}");
}

async fn hold(route: &str) {
    let mut failed = Vec::new();
    let cases: Vec<_> = all().into_iter().filter(|case| case.route == route).collect();
    assert!(!cases.is_empty(), "no cases for {route}");
    for case in cases {
        let reply = (case.run)().await;
        let got = reply.code().unwrap_or_else(|| reply.status().to_string());
        if got != case.answer {
            failed.push(format!("{}: wanted {}, got {got}: {}", route, case.answer, reply.text()));
        }
        if case.answer.parse::<u16>().is_err() {
            reply.expect_problem(case.answer);
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[tokio::test]
async fn health_cases() {
    hold("health").await;
}

#[tokio::test]
async fn not_found_cases() {
    hold("not-found").await;
}

#[tokio::test]
async fn tasks_create_cases() {
    hold("tasks-create").await;
}

#[tokio::test]
async fn tasks_get_cases() {
    hold("tasks-get").await;
}

/// A new test is needed for a new route: this one says so.
#[test]
fn every_route_has_a_test_that_holds_its_cases() {
    let source = include_str!("mod.rs");
    for entry in catalog::routes() {
        let call = format!("hold(\"{}\")", entry.spec.name);
        assert!(source.contains(&call), "no test calls {call}");
    }
}

/// The usual app.
async fn app() -> TestApp {
    TestApp::start().await
}
