//! The route that is being tested.

use domain::Role;
use route::Entry;
use testing::{Call, Caller, TestApp, lines_of};

use super::case::{RouteCases, success_of};
/// A route, with its cases.
pub(super) struct Subject {
    pub(super) entry: Entry,
    pub(super) cases: &'static RouteCases,
}

impl Subject {
    pub(super) fn of(cases: &'static RouteCases) -> Self {
        let entry = catalog::routes().into_iter().find(|entry| entry.spec.name == cases.route);
        let entry = entry.unwrap_or_else(|| panic!("there is no route {}", cases.route));
        Self { entry, cases }
    }

    /// The good request. If it names something, that exists and is somebody else's: admins reach it.
    pub(super) async fn call<'a>(&self, app: &TestApp, caller: &Caller<'a>) -> Call<'a> {
        let id = self.cases.make(app, app.clock.new_id()).await;
        self.cases.call(caller, self.entry.spec.path, id)
    }

    /// A good request succeeds.
    pub(super) async fn works(&self, app: &TestApp) {
        let call = self.call(app, &app.caller(Role::Admin)).await;
        let (reply, status) = (call.send().await, success_of(&self.entry));
        let logged = reply.header("x-request-id").map(lines_of);
        assert_eq!(reply.status(), status, "a good request fails: {}\n{logged:?}", reply.text());
    }
}
