//! Every change that the catalog knows: one effect and one answer for a key, however often and however
//! closely the request is repeated, and no effect on a version that the client did not name.
//!
//! What a good request is, each route says in its file of cases. A new route is covered by being there, once
//! it is said what another request of it is (`keys`), and what spoils one that can conflict (`refusals`).

mod conditions;
mod keys;
mod refusals;
mod twins;

use std::collections::BTreeMap;

use domain::Role;
use route::{Access, Entry, Method};
use testing::{Call, Caller, Reply, TestApp};
use uuid::Uuid;

use crate::cases::{RouteCases, success_of};

/// The routes that take an idempotency key.
fn mutations() -> Vec<Entry> {
    catalog::routes().into_iter().filter(|entry| entry.shape.idempotent).collect()
}

#[test]
fn whatever_changes_something_takes_a_key() {
    for entry in catalog::routes() {
        let changes = !matches!(entry.spec.method, Method::Get | Method::Any);
        // The issuer's logout token has an id of its own, which counts once.
        let keyed = changes && entry.spec.access != Access::LogoutToken;
        assert_eq!(entry.shape.idempotent, keyed, "{}", entry.spec.name);
    }
}

/// A new administrator, who is known already: what they do next is only what they ask for.
async fn administrator(app: &TestApp) -> Caller<'_> {
    let admin = app.caller(Role::Admin);
    admin.get("/v1/me").send().await.expect(200);
    admin
}

/// A good request about something of somebody else, and what it is about.
async fn good<'a>(entry: &Entry, app: &TestApp, caller: &Caller<'a>) -> (Call<'a>, Uuid) {
    let cases = RouteCases::of(entry);
    let id = cases.make(app, app.clock.new_id()).await;
    (cases.call(caller, entry.spec.path, id), id)
}

/// How many events a change makes: what one sets for oneself is no news.
fn events_of_one(entry: &Entry) -> i64 {
    i64::from(entry.spec.name != "me-update")
}

async fn events(app: &TestApp) -> i64 {
    app.db.count("SELECT count(*) FROM app.outbox", &[]).await
}

/// The records of somebody's keys.
async fn records(app: &TestApp, user: Uuid) -> i64 {
    app.db.count("SELECT count(*) FROM app.idempotency WHERE user_id = $1", &[&user]).await
}

fn is_replay(reply: &Reply) -> bool {
    reply.header("idempotency-replayed").is_some_and(|value| value == "true")
}

/// All of an answer that a client can use, which a replay repeats.
fn answer(reply: &Reply) -> (u16, String, BTreeMap<String, String>) {
    let own = ["x-request-id", "ratelimit", "idempotency-replayed"];
    let headers = reply.headers().filter(|(name, _)| !own.contains(name));
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    (reply.status(), reply.text().to_owned(), headers)
}

/// The answer to a good request that was executed.
#[track_caller]
fn executed(entry: &Entry, reply: Reply) -> Reply {
    let reply = reply.expect(success_of(entry));
    assert!(!is_replay(&reply), "{}: nobody asked before", entry.spec.name);
    reply
}
