//! How often a request makes the database answer, counted on the wire.

use domain::Role;
use serde_json::json;
use testing::{Call, Proxy, TestApp, lines_of, rig};

use crate::support::path_of;

/// The trips of many calls of one kind. A connection that rested is tested before it is used, so on a
/// slow machine a few calls may take one more; what a call takes is what nearly all of them take.
async fn trips_of<'a>(proxy: &Proxy, call: impl Fn() -> Call<'a>, status: u16) -> u64 {
    const CALLS: usize = 40;
    let mut trips = Vec::new();
    for _ in 0..CALLS {
        let before = proxy.round_trips();
        let reply = call().send().await.expect(status);
        let counted = proxy.round_trips() - before;
        let id = reply.header("x-request-id").expect("an id").to_owned();
        let logged = lines_of(&id)[0]["db_round_trips"].as_u64();
        trips.push((counted, logged));
    }
    trips.sort_unstable();
    let (least, logged) = trips[0];
    let usual = trips.iter().filter(|trip| **trip == (least, logged)).count();
    assert!(usual >= CALLS * 9 / 10, "{trips:?}");
    assert_eq!(logged, Some(least), "what the log says, and what was on the wire");
    least
}

#[tokio::test]
async fn each_request_is_one_round_trip() {
    let proxy = Proxy::to(rig().state.pgbouncer.port).await;
    let app = TestApp::behind(&proxy).await;
    let (alice, admin) = (app.caller(Role::User), app.caller(Role::Admin));
    let task = path_of(&alice.create(&json!({"title": "warm"})).await);
    alice.get(&task).send().await.expect(200);

    let body = json!({"title": "x"});
    let create = || alice.post("/v1/tasks", &body);
    assert_eq!(trips_of(&proxy, create, 201).await, 1, "a create");
    let replay = || alice.post("/v1/tasks", &body).key("k");
    assert_eq!(trips_of(&proxy, replay, 201).await, 1, "a replay");
    let get = || alice.get(&task);
    assert_eq!(trips_of(&proxy, get, 200).await, 1, "a get");
    let known = || alice.get(&task).header("if-none-match", "\"1\"");
    assert_eq!(trips_of(&proxy, known, 304).await, 1, "a get that is not modified");
    let trash = || admin.get("/v1/tasks/0197a1b2-0000-7000-8000-000000000001?include_deleted=true");
    assert_eq!(trips_of(&proxy, trash, 404).await, 1, "a get of what does not exist");
    let nobody = || app.anonymous().get("/v1/tasks/x");
    assert_eq!(trips_of(&proxy, nobody, 401).await, 0, "a call without a token");
    let lost = || app.anonymous().get("/nowhere");
    assert_eq!(trips_of(&proxy, lost, 404).await, 0, "an address that does not exist");
}
