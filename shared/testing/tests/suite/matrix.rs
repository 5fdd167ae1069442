//! Every role at every route, with what is their own, what is assigned to them, what is somebody
//! else's, and nobody's; alive and deleted.

use catalog::Column;
use domain::Permission;
use issuer::Person;
use route::{Entry, Method};
use testing::{Call, Caller, TestApp};
use uuid::Uuid;

use crate::cases::{Named, RouteCases, success_of};
use crate::support::{delete, task_assigned_to, task_of, without_ids};

/// What a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    /// The path names nothing.
    Nothing,
    Missing,
    There(Relation, State),
}

/// Whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    Own,
    Assigned,
    Foreign,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Live,
    Deleted,
}

impl Target {
    /// Those that a route can tell apart.
    fn all_of(cases: &RouteCases) -> Vec<Self> {
        use Relation::{Assigned, Foreign, Own};
        use State::{Deleted, Live};
        match cases.names {
            Named::Nothing => vec![Self::Nothing],
            Named::User | Named::Export => {
                vec![Self::There(Own, Live), Self::There(Foreign, Live), Self::Missing]
            }
            Named::Task | Named::DeletedTask => {
                let there = [Own, Assigned, Foreign]
                    .into_iter()
                    .flat_map(|whose| [Live, Deleted].map(|state| Self::There(whose, state)));
                there.chain([Self::Missing]).collect()
            }
        }
    }

    /// Makes it; its id.
    async fn make(self, app: &TestApp, cases: &RouteCases, me: Uuid) -> Uuid {
        let Self::There(relation, state) = self else { return app.clock.new_id() };
        let stranger = app.clock.new_id();
        if let Named::User | Named::Export = cases.names {
            let owner = if relation == Relation::Own { me } else { stranger };
            return cases.make(app, owner).await;
        }
        let id = match relation {
            Relation::Own => task_of(app, me).await,
            Relation::Assigned => task_assigned_to(app, me).await,
            Relation::Foreign => task_of(app, stranger).await,
        };
        if state == State::Deleted {
            delete(app, id).await;
        }
        id
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

/// The status that the table promises, and the rules that hold for all: who may not see a thing is
/// told that it does not exist; what was deleted exists for nobody, except to be restored; what is
/// assigned to somebody is theirs to see.
fn expected(entry: &Entry, column: Column, target: Target) -> u16 {
    let cases = RouteCases::of(entry);
    let cell = column.cell(entry);
    if let ("401" | "403", Ok(status)) = (cell, cell.parse()) {
        return status;
    }
    let wanted = if cases.names == Named::DeletedTask { State::Deleted } else { State::Live };
    match target {
        Target::Nothing => success_of(entry),
        Target::Missing => 404,
        Target::There(Relation::Foreign, _) if cell == "own" => 404,
        // What happened to it is there for those who may see the trash.
        Target::There(_, State::Deleted)
            if entry.spec.name == "tasks-history"
                && column.permissions().has(Permission::TasksAdmin) =>
        {
            success_of(entry)
        }
        Target::There(_, State::Deleted) if wanted == State::Live => 404,
        Target::There(_, State::Live) if wanted == State::Deleted => 409,
        Target::There(relation, _) => match (entry.spec.name, cell, relation) {
            // An assignee says how it goes, and rewrites nothing.
            ("tasks-replace", "own", Relation::Assigned) => 403,
            // Nobody deactivates themselves.
            ("users-update", _, Relation::Own) => 409,
            _ => success_of(entry),
        },
    }
}

#[tokio::test]
async fn every_role_meets_at_every_route_what_the_table_says() {
    let app = TestApp::start().await;
    let stranger = Person::new("stranger", &["user"]).sub;
    let mut calls = 0;
    for entry in app.entries() {
        let cases = RouteCases::of(entry);
        for path in entry.spec.paths() {
            for column in Column::ALL {
                let caller = somebody(&app, column);
                let me = if column == Column::Anonymous { stranger } else { caller.id() };
                for target in Target::all_of(cases) {
                    for method in 0..entry.spec.methods().count() {
                        let id = target.make(&app, cases, me).await;
                        let call = cases.call(&caller, path, id);
                        let call = by_each_method(entry, &call).swap_remove(method);
                        let reply = call.send().await;
                        assert_eq!(
                            reply.status(),
                            expected(entry, column, target),
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
    let targets =
        |entry: &Entry| entry.spec.route_keys().len() * Target::all_of(RouteCases::of(entry)).len();
    let of_a_column: usize = catalog::routes().iter().map(targets).sum();
    assert_eq!(calls, of_a_column * Column::ALL.len());
}

#[tokio::test]
async fn a_hidden_task_cannot_be_told_from_a_missing_one() {
    let app = TestApp::start().await;
    let hidden = task_of(&app, app.clock.new_id()).await.to_string();
    let deleted = task_of(&app, app.clock.new_id()).await;
    delete(&app, deleted).await;
    let deleted = deleted.to_string();
    let missing = app.clock.new_id().to_string();
    for entry in app.entries().iter().filter(|entry| !entry.shape.path.is_empty()) {
        for column in Column::ALL.into_iter().filter(|column| column.cell(entry) != "any") {
            let caller = somebody(&app, column);
            for path in entry.spec.paths() {
                let answers = async |name: &str| {
                    let call = RouteCases::of(entry).call_by_name(&caller, path, name);
                    let mut answers = Vec::new();
                    for call in by_each_method(entry, &call) {
                        // Also to those who guess a version, or ask with a key.
                        let guess = call.clone().header("if-match", "\"4711\"");
                        for call in [call.clone().key("k"), guess, call] {
                            let reply = call.send().await;
                            answers.push((call.event.route_key, without_ids(&reply)));
                        }
                    }
                    answers
                };
                let to_missing = answers(&missing).await;
                assert_eq!(answers(&hidden).await, to_missing, "hidden, missing");
                assert_eq!(answers(&deleted).await, to_missing, "deleted, missing");
                assert_eq!(answers("nonsense").await, to_missing, "impossible, missing");
            }
        }
    }
}
