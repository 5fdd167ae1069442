//! Every role at every route, with what is their own, somebody else's, and nobody's.

use catalog::Column;
use issuer::Person;
use route::{Entry, Method};
use serde_json::json;
use testing::{Call, Caller, TestApp};
use uuid::Uuid;

use crate::support::{task_of, without_ids};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    Own,
    Foreign,
    Missing,
}

/// Somebody of a column.
fn somebody(app: &TestApp, column: Column) -> Caller<'_> {
    match column {
        Column::Anonymous => app.anonymous(),
        Column::NoRole => app.without_role(),
        Column::Has(role) => app.caller(role),
    }
}

/// A request that a route takes, if the caller may make it.
fn request<'a>(caller: &Caller<'a>, entry: &Entry, path: &str, id: Uuid) -> Call<'a> {
    let path = path.replace("{id}", &id.to_string());
    let path = if path == route::DEFAULT_PATH { "/nothing/here".to_owned() } else { path };
    let method = match entry.spec.method {
        Method::Any => "GET",
        method => method.name(),
    };
    let call = caller.call(method, &path);
    match entry.spec.name {
        "tasks-create" => call.json(&json!({"title": "a task"}).to_string()),
        name => {
            assert!(!entry.shape.body, "{name} takes a body: say here which one is right");
            call
        }
    }
}

/// The statuses that the table promises.
fn expected(entry: &Entry, column: Column, target: Target) -> Vec<u16> {
    match (column.cell(entry), target) {
        _ if entry.spec.method == Method::Any => vec![404],
        ("401", _) => vec![401],
        ("403", _) => vec![403],
        ("own", Target::Foreign | Target::Missing) | ("any", Target::Missing) => vec![404],
        _ => entry.statuses.to_vec(),
    }
}

#[tokio::test]
async fn every_role_meets_at_every_route_what_the_table_says() {
    let app = TestApp::start().await;
    let stranger = Person::new("stranger", &["user"]).sub;
    let mut calls = 0;
    for entry in app.entries() {
        let targets: &[Target] = if entry.shape.path.is_empty() {
            &[Target::Own]
        } else {
            &[Target::Own, Target::Foreign, Target::Missing]
        };
        for path in entry.spec.paths() {
            for column in Column::ALL {
                let caller = somebody(&app, column);
                let me = if column == Column::Anonymous { stranger } else { caller.id() };
                for target in targets {
                    let id = match target {
                        Target::Own => task_of(&app, me).await,
                        Target::Foreign => task_of(&app, app.clock.new_id()).await,
                        Target::Missing => app.clock.new_id(),
                    };
                    let reply = request(&caller, entry, path, id).send().await;
                    let expected = expected(entry, column, *target);
                    assert!(
                        expected.contains(&reply.status()),
                        "{} as {} for {target:?}: {} and not {expected:?}: {}",
                        entry.spec.name,
                        column.name(),
                        reply.status(),
                        reply.text()
                    );
                    calls += 1;
                }
            }
        }
    }
    // 5 columns; 2 addresses of tasks-get with 3 targets each, and 4 other addresses.
    assert_eq!(calls, 5 * (2 * 3 + 4));
}

#[tokio::test]
async fn a_hidden_task_cannot_be_told_from_a_missing_one() {
    let app = TestApp::start().await;
    let hidden = task_of(&app, app.clock.new_id()).await;
    for entry in app.entries().iter().filter(|entry| !entry.shape.path.is_empty()) {
        for column in Column::ALL {
            let caller = somebody(&app, column);
            if column.cell(entry) == "any" {
                continue;
            }
            let mut answers = Vec::new();
            for id in [hidden.to_string(), app.clock.new_id().to_string(), "nonsense".into()] {
                let path = entry.spec.path.replace("{id}", &id);
                let reply = caller.call(entry.spec.method.name(), &path).send().await;
                answers.push(without_ids(&reply, &path));
            }
            assert_eq!(answers[0], answers[1], "{}: hidden, missing", entry.spec.name);
            assert_eq!(answers[0], answers[2], "{}: hidden, impossible", entry.spec.name);
        }
    }
}
