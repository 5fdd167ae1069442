//! How often a request makes the database answer, counted on the wire.

use domain::Role;
use serde_json::json;
use std::cell::Cell;
use testing::{Call, Proxy, TestApp, lines_of, rig};

use crate::support::path_of;

/// How many calls of one kind are made.
const CALLS: usize = 40;

/// Counts: something else at each call.
fn counter() -> impl Fn() -> usize {
    let count = Cell::new(0);
    move || count.replace(count.get() + 1)
}

/// The trips of many calls of one kind. A connection that rested is tested before it is used, so on a
/// slow machine a few calls may take one more; what a call takes is what nearly all of them take.
async fn trips_of<'a>(proxy: &Proxy, call: impl Fn() -> Call<'a>, status: u16) -> u64 {
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

#[tokio::test]
async fn each_change_is_one_round_trip() {
    let proxy = Proxy::to(rig().state.pgbouncer.port).await;
    let app = TestApp::behind(&proxy).await;
    let (alice, admin) = (app.caller(Role::User), app.caller(Role::Admin));
    let mut tasks = Vec::new();
    for _ in 0..CALLS {
        tasks.push(path_of(&alice.create(&json!({"title": "x"})).await));
    }
    let task = &tasks[0];
    let (number, to_delete, to_restore) = (counter(), counter(), counter());
    let title = || json!({"title": format!("title {}", number())});

    let update = || alice.patch(task, &title());
    assert_eq!(trips_of(&proxy, update, 200).await, 1, "an update");
    let keyed = || alice.patch(task, &title()).key(&format!("key-{}", number()));
    assert_eq!(trips_of(&proxy, keyed, 200).await, 1, "an update with a key");
    let replay = || alice.patch(task, &json!({"title": "x"})).key("k");
    assert_eq!(trips_of(&proxy, replay, 200).await, 1, "a replay");
    let same = || alice.patch(task, &json!({"status": "pending"}));
    assert_eq!(trips_of(&proxy, same, 200).await, 1, "an update that changes nothing");
    let outdated = || alice.patch(task, &title()).header("if-match", "\"1\"");
    assert_eq!(trips_of(&proxy, outdated, 412).await, 1, "an update that is outdated");
    let replace =
        || alice.put(task, &json!({"title": format!("{}", number()), "status": "pending"}));
    assert_eq!(trips_of(&proxy, replace, 200).await, 1, "a replacement");
    let delete = || admin.delete(&tasks[to_delete() % CALLS]);
    assert_eq!(trips_of(&proxy, delete, 204).await, 1, "a deletion");
    let restore = || admin.call("POST", &format!("{}/restore", tasks[to_restore() % CALLS]));
    assert_eq!(trips_of(&proxy, restore, 200).await, 1, "a restoration");
    let account = format!("/v1/users/{}", alice.id());
    let shut = || admin.patch(&account, &json!({"active": number() % 2 == 0}));
    assert_eq!(trips_of(&proxy, shut, 200).await, 1, "an account that is shut or opened");
    let zone = || admin.patch("/v1/me", &json!({"time_zone": "Europe/Berlin"}));
    assert_eq!(trips_of(&proxy, zone, 200).await, 1, "a change of preferences");
}

#[tokio::test]
async fn each_list_is_one_round_trip() {
    let proxy = Proxy::to(rig().state.pgbouncer.port).await;
    let app = TestApp::behind(&proxy).await;
    let (alice, admin) = (app.caller(Role::User), app.caller(Role::Admin));
    for _ in 0..3 {
        alice.create(&json!({"title": "x"})).await;
    }
    let list = || alice.get("/v1/tasks");
    assert_eq!(trips_of(&proxy, list, 200).await, 1, "a list with its total");
    let filtered = || alice.get("/v1/tasks?skip=1&status=pending&q=x&sort=due_at");
    assert_eq!(trips_of(&proxy, filtered, 200).await, 1, "a filtered list with its total");
    let cursor = alice.get("/v1/tasks?limit=1").send().await.expect(200).json();
    let next = cursor["next_cursor"].as_str().expect("more").to_owned();
    let next = || alice.get(&format!("/v1/tasks?limit=1&cursor={next}"));
    assert_eq!(trips_of(&proxy, next, 200).await, 1, "the next page");
    let everything = || admin.get("/v1/tasks?scope=all");
    assert_eq!(trips_of(&proxy, everything, 200).await, 1, "a list of everything");
    // Only to know whether the caller's token still counts.
    let refused = || alice.get("/v1/tasks?scope=all");
    assert_eq!(trips_of(&proxy, refused, 403).await, 1, "a list that is refused for its scope");
    let users = || admin.get("/v1/users");
    assert_eq!(trips_of(&proxy, users, 200).await, 1, "a list of users");
    let me = || alice.get("/v1/me");
    assert_eq!(trips_of(&proxy, me, 200).await, 1, "the caller");
}
