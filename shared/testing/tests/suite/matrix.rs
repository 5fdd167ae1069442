//! Every role at every route, with what is their own, somebody else's, and nobody's.

use catalog::Column;
use issuer::Person;
use route::{Entry, Method};
use testing::{Call, Caller, TestApp};

use crate::cases::{RouteCases, success_of};
use crate::support::{named_by_path, task_of, without_ids};

/// What a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    Own,
    Foreign,
    Missing,
}

impl Target {
    /// Those that a route can tell apart.
    const fn all_of(entry: &Entry) -> &'static [Self] {
        if entry.shape.path.is_empty() {
            &[Self::Own]
        } else {
            &[Self::Own, Self::Foreign, Self::Missing]
        }
    }
}

/// Somebody of a column.
fn somebody(app: &TestApp, column: Column) -> Caller<'_> {
    match column {
        Column::Anonymous => app.anonymous(),
        Column::NoRole => app.without_role(),
        Column::Has(role) => app.caller(role),
    }
}

/// The same request with each method that leads to its route.
fn by_each_method<'a>(entry: &Entry, call: &Call<'a>) -> Vec<Call<'a>> {
    if entry.spec.method == Method::Any {
        return vec![call.clone()];
    }
    let with = |method: &str| {
        let mut call = call.clone();
        let event = &mut call.event;
        event.route_key = event.route_key.replacen(entry.spec.method.name(), method, 1);
        event.request_context.http.method = method.into();
        call
    };
    entry.spec.methods().map(with).collect()
}

/// The status that the table promises.
fn expected(entry: &Entry, column: Column, target: Target) -> u16 {
    match (column.cell(entry), target) {
        ("401", _) => 401,
        ("403", _) => 403,
        ("own", Target::Foreign | Target::Missing) | ("any", Target::Missing) => 404,
        _ => success_of(entry),
    }
}

#[tokio::test]
async fn every_role_meets_at_every_route_what_the_table_says() {
    let app = TestApp::start().await;
    let stranger = Person::new("stranger", &["user"]).sub;
    let mut calls = 0;
    for entry in app.entries() {
        for path in entry.spec.paths() {
            for column in Column::ALL {
                let caller = somebody(&app, column);
                let me = if column == Column::Anonymous { stranger } else { caller.id() };
                for target in Target::all_of(entry) {
                    let id = match target {
                        Target::Own => named_by_path(&app, entry, me).await,
                        Target::Foreign => named_by_path(&app, entry, app.clock.new_id()).await,
                        Target::Missing => app.clock.new_id(),
                    };
                    let call = RouteCases::of(entry).call(&caller, path, id);
                    for call in by_each_method(entry, &call) {
                        let reply = call.send().await;
                        assert_eq!(
                            reply.status(),
                            expected(entry, column, *target),
                            "{} {path} as {} for {target:?}: {}",
                            call.event.route_key,
                            column.name(),
                            reply.text()
                        );
                        calls += 1;
                    }
                }
            }
        }
    }
    let targets = |entry: &Entry| entry.spec.route_keys().len() * Target::all_of(entry).len();
    let of_a_column: usize = catalog::routes().iter().map(targets).sum();
    assert_eq!(calls, of_a_column * Column::ALL.len());
}

#[tokio::test]
async fn a_hidden_task_cannot_be_told_from_a_missing_one() {
    let app = TestApp::start().await;
    let hidden = task_of(&app, app.clock.new_id()).await.to_string();
    let missing = app.clock.new_id().to_string();
    for entry in app.entries().iter().filter(|entry| !entry.shape.path.is_empty()) {
        for column in Column::ALL.into_iter().filter(|column| column.cell(entry) != "any") {
            let caller = somebody(&app, column);
            for path in entry.spec.paths() {
                let answers = async |name: &str| {
                    let call = RouteCases::of(entry).call_by_name(&caller, path, name);
                    let mut answers = Vec::new();
                    for call in by_each_method(entry, &call) {
                        let reply = call.send().await;
                        answers.push((call.event.route_key, without_ids(&reply)));
                    }
                    answers
                };
                let to_missing = answers(&missing).await;
                assert_eq!(answers(&hidden).await, to_missing, "hidden, missing");
                assert_eq!(answers("nonsense").await, to_missing, "impossible, missing");
            }
        }
    }
}
