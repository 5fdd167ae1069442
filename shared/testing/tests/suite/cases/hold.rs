//! Runs the cases of one route.

use std::any::Any;
use std::fmt;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use route::Kind;
use testing::{Reply, TestApp};

use super::case::RouteCases;
use super::common;
use super::subject::Subject;

/// An answer that a route declares.
#[derive(Clone, Copy)]
enum Declared {
    Success(u16),
    Problem(Kind),
}

impl fmt::Display for Declared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Success(status) => write!(f, "{status}"),
            Self::Problem(kind) => f.write_str(kind.code()),
        }
    }
}

/// Shows every answer that the route declares, and names all that could not be shown.
pub(super) async fn hold(cases: &'static RouteCases) {
    let subject = Subject::of(cases);
    let declared = declared(&subject);
    let app = TestApp::start().await;

    let stale = cases.own.iter().map(|case| case.answer);
    let stale = stale.filter(|answer| declared.iter().all(|one| one.to_string() != *answer));
    let mut failures: Vec<String> = stale
        .map(|answer| format!("{}: {answer}: a case for what is not declared", cases.route))
        .collect();

    // One after the other; the routes run side by side. An app that is dropped waits for Postgres, on
    // this thread, and Postgres waits for whoever is signing in on this thread.
    for answer in declared {
        let shown = AssertUnwindSafe(show(&subject, &app, answer)).catch_unwind().await;
        if let Err(panic) = shown {
            failures.push(format!("{}: {answer}: {}", cases.route, words(&*panic)));
        }
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

fn declared(subject: &Subject) -> Vec<Declared> {
    let successes = subject.entry.statuses.iter().copied().map(Declared::Success);
    let problems = subject.entry.problems.iter().copied().map(Declared::Problem);
    successes.chain(problems).collect()
}

/// Gets an answer in every way that the route's file knows, or else in the common one.
async fn show(subject: &Subject, app: &TestApp, answer: Declared) {
    let mut ways = 0;
    for case in subject.cases.own.iter().filter(|case| case.answer == answer.to_string()) {
        judge((case.run)(app).await, answer);
        ways += 1;
    }
    if ways > 0 {
        return;
    }
    let reply = match answer {
        Declared::Success(_) => None,
        Declared::Problem(kind) => common::meet(kind, subject, app).await,
    };
    judge(reply.expect("declared, but no case shows it"), answer);
}

fn judge(reply: Reply, answer: Declared) {
    match answer {
        Declared::Success(status) => reply.expect(status),
        Declared::Problem(kind) => reply.expect_problem(kind.code()).expect(kind.status()),
    };
}

/// What a panic said.
fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("panicked without a word")
}
