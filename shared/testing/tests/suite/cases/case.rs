//! What the file of a route says.

use futures_util::future::LocalBoxFuture;
use route::Entry;
use testing::{Call, Caller, Reply, TestApp};
use uuid::Uuid;

use crate::support::{delete, export_of, known, task_of};

/// The cases of a route, and how to call it.
pub(crate) struct RouteCases {
    /// The route's name.
    pub(crate) route: &'static str,
    /// A good request at an address of the route: nothing in it is a reason to refuse it.
    pub(crate) request: for<'a> fn(&Caller<'a>, address: &str) -> Call<'a>,
    /// What the path of that request names.
    pub(crate) names: Named,
    /// The cases of its own: what is particular to the route. For the same answer they take the
    /// place of the common case.
    pub(crate) own: &'static [Case],
}

/// What a path can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    Nothing,
    Task,
    /// A task in the trash.
    DeletedTask,
    User,
    Export,
}

/// How a route comes to an answer.
pub(crate) struct Case {
    /// A status for a success, a problem's code otherwise.
    pub(crate) answer: &'static str,
    /// Gets it. The app is shared with other cases: who breaks something takes another app.
    pub(crate) run: for<'a> fn(&'a TestApp) -> LocalBoxFuture<'a, Reply>,
}

impl RouteCases {
    /// Those of a route of the catalog.
    pub(crate) fn of(entry: &Entry) -> &'static Self {
        let name = entry.spec.name;
        let found = super::ALL.iter().find(|cases| cases.route == name);
        found.unwrap_or_else(|| panic!("the route {name} has no file in tests/suite/cases"))
    }

    /// Makes something that the good request can be about, of this owner. Any id if the path names
    /// nothing.
    pub(crate) async fn make(&self, app: &TestApp, owner: Uuid) -> Uuid {
        match self.names {
            Named::Nothing => app.clock.new_id(),
            Named::Task => task_of(app, owner).await,
            Named::DeletedTask => {
                let id = task_of(app, owner).await;
                delete(app, id).await;
                id
            }
            Named::Export => export_of(app, owner).await,
            Named::User => {
                known(app, owner).await;
                owner
            }
        }
    }

    /// A good request at one of the route's paths, for what has this id if the path names anything.
    pub(crate) fn call<'a>(&self, caller: &Caller<'a>, path: &str, id: Uuid) -> Call<'a> {
        self.call_by_name(caller, path, &id.to_string())
    }

    /// The same with any text where the id belongs.
    pub(crate) fn call_by_name<'a>(&self, caller: &Caller<'a>, path: &str, name: &str) -> Call<'a> {
        (self.request)(caller, &path.replace("{id}", name))
    }
}

/// The status of the answer to a good request: the first that a route declares. The route that
/// declares none is the one behind which there is nothing.
pub(crate) fn success_of(entry: &Entry) -> u16 {
    entry.statuses.first().copied().unwrap_or(404)
}

/// Builds a case from an async function that takes the app.
macro_rules! case {
    ($answer:literal, $run:path) => {
        $crate::cases::Case { answer: $answer, run: |app| Box::pin($run(app)) }
    };
}
pub(crate) use case;

/// The list of the files, and a test for each.
macro_rules! routes {
    ($($file:ident),* $(,)?) => {
        /// The cases of every route.
        const ALL: &[&RouteCases] = &[$(&$file::ROUTE),*];

        mod every_answer_of {
            $(
                #[tokio::test]
                async fn $file() {
                    super::hold::hold(&super::$file::ROUTE).await;
                }
            )*
        }
    };
}
pub(super) use routes;
