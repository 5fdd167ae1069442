//! How often a request makes Postgres and Redis answer, counted on the wire.

mod with_reader;

use std::cell::Cell;
use std::time::Duration;

use domain::Role;
use serde_json::{Value, json};
use testing::{Call, Caller, Proxy, Reply, Setup, TestApp, lines_of, rig};

use crate::own_redis::OwnRedis;
use crate::support::{id_of, path_of};

/// How many calls of one kind are made.
const CALLS: usize = 40;

/// How long nothing is to be heard of the wires before calls are made.
const REST: Duration = Duration::from_millis(50);
const TRIES: usize = 100;

/// What a request costs: round trips to Redis, and to Postgres.
type Cost = (u64, u64);
const HIT: Cost = (1, 0);
/// Redis is asked, then Postgres, then Redis is told.
const ALL: Cost = (2, 1);

/// The wires to both.
struct Wires {
    database: Proxy,
    redis: Proxy,
    /// Where the second one leads.
    own: OwnRedis,
}

impl Wires {
    async fn start() -> Self {
        let own = OwnRedis::start().await;
        let redis = Proxy::before(own.port(), 0).await;
        Self { database: Proxy::to(rig().state.pgbouncer.port).await, redis, own }
    }

    fn setup(&self) -> Setup {
        Setup {
            database_port: Some(self.database.port()),
            redis_port: Some(self.redis.port()),
            ..Setup::default()
        }
    }

    /// What a request cost by the wires, and what the log says that it cost.
    async fn cost(&self, call: &Call<'_>, status: u16) -> (Cost, Cost) {
        let now = || (self.redis.round_trips(), self.database.round_trips());
        let before = now();
        let reply = call.send().await.expect(status);
        let after = now();
        ((after.0 - before.0, after.1 - before.1), logged(&reply))
    }

    /// Waits until nothing is on the wires: after its first request a function may still connect, and
    /// keep the issuer's keys.
    async fn quiet(&self) {
        let now = || (self.redis.round_trips(), self.database.round_trips());
        let mut before = now();
        for _ in 0..TRIES {
            tokio::time::sleep(REST).await;
            if now() == before {
                return;
            }
            before = now();
        }
    }

    /// Makes calls of one kind, which must cost what is said. A connection that rested is tested
    /// before it is used, so on a slow machine a few calls may take one more; what a call takes is
    /// what nearly all of them take.
    async fn expect<'a>(&self, what: &str, call: impl Fn() -> Call<'a>, status: u16, cost: Cost) {
        // Redis does not know a script before it was used once.
        call().send().await.expect(status);
        self.quiet().await;
        let mut costs = Vec::new();
        for _ in 0..CALLS {
            costs.push(self.cost(&call(), status).await);
        }
        let usual = costs.iter().filter(|counted| **counted == (cost, cost)).count();
        assert!(
            usual >= CALLS * 9 / 10,
            "{what}: not {cost:?}; by the wires, and as logged: {costs:?}"
        );
    }
}

fn logged(reply: &Reply) -> Cost {
    let line = &lines_of(reply.header("x-request-id").expect("an id"))[0];
    let number = |name: &str| line[name].as_u64().expect("a number");
    (number("redis_round_trips"), number("db_round_trips"))
}

/// Counts: something else at each call.
fn counter() -> impl Fn() -> usize {
    let count = Cell::new(0);
    move || count.replace(count.get() + 1)
}

/// The addresses of as many tasks as calls are made, and one more.
async fn tasks_of(owner: &Caller<'_>) -> Vec<String> {
    let mut tasks = Vec::new();
    for _ in 0..=CALLS {
        tasks.push(path_of(&owner.create(&json!({"title": "x"})).await));
    }
    tasks
}

#[tokio::test]
async fn a_task_costs_a_hit_or_a_miss() {
    let wires = Wires::start().await;
    let app = TestApp::with(wires.setup()).await;
    let (alice, admin) = (app.caller(Role::User), app.caller(Role::Admin));
    let tasks = tasks_of(&alice).await;
    let (task, number, again) = (&tasks[0], counter(), counter());
    admin.get("/v1/me").send().await.expect(200);

    wires.expect("a miss", || alice.get(&tasks[number()]), 200, ALL).await;
    wires.expect("a hit", || alice.get(task), 200, HIT).await;
    wires.expect("of somebody else's", || admin.get(&tasks[again()]), 200, HIT).await;
    let known = || alice.get(task).header("if-none-match", "\"1\"");
    wires.expect("not modified", known, 304, HIT).await;
    let head = || alice.call("HEAD", task);
    wires.expect("a HEAD", head, 200, HIT).await;
    let nothing = || alice.get(&format!("/v1/tasks/{}", app.clock.new_id()));
    // There is nothing to keep.
    wires.expect("what does not exist", nothing, 404, (1, 1)).await;
    let trash = || admin.get(&format!("{task}?include_deleted=true"));
    wires.expect("what may be deleted", trash, 200, (1, 1)).await;
}

#[tokio::test]
async fn a_change_is_one_statement_between_two_calls_of_redis() {
    let wires = Wires::start().await;
    let app = TestApp::with(wires.setup()).await;
    let (alice, admin) = (app.caller(Role::User), app.caller(Role::Admin));
    let tasks = tasks_of(&alice).await;
    let task = &tasks[0];
    let (number, to_delete, to_restore) = (counter(), counter(), counter());
    let title = || json!({"title": format!("title {}", number())});
    admin.get("/v1/me").send().await.expect(200);

    let body = json!({"title": "x"});
    wires.expect("a create", || alice.post("/v1/tasks", &body), 201, ALL).await;
    let replay = || alice.post("/v1/tasks", &body).key("created");
    wires.expect("a create, replayed", replay, 201, ALL).await;
    wires.expect("an update", || alice.patch(task, &title()), 200, ALL).await;
    let keyed = || alice.patch(task, &title()).key(&format!("key-{}", number()));
    wires.expect("an update with a key", keyed, 200, ALL).await;
    let replay = || alice.patch(task, &json!({"title": "x"})).key("k");
    wires.expect("an update, replayed", replay, 200, ALL).await;
    let same = || alice.patch(task, &json!({"status": "pending"}));
    wires.expect("an update that changes nothing", same, 200, ALL).await;
    let replace =
        || alice.put(task, &json!({"title": format!("{}", number()), "status": "pending"}));
    wires.expect("a replacement", replace, 200, ALL).await;
    wires.expect("a deletion", || admin.delete(&tasks[to_delete()]), 204, ALL).await;
    let restore = || admin.call("POST", &format!("{}/restore", tasks[to_restore()]));
    wires.expect("a restoration", restore, 200, ALL).await;
    let account = format!("/v1/users/{}", alice.id());
    let shut = || admin.patch(&account, &json!({"active": number() % 2 == 0}));
    wires.expect("an account that is shut or opened", shut, 200, ALL).await;
    assert_eq!(wires.own.fences().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_change_that_is_refused_by_the_database_costs_the_same() {
    let wires = Wires::start().await;
    let app = TestApp::with(wires.setup()).await;
    let (alice, bob) = (app.caller(Role::User), app.caller(Role::User));
    bob.get("/v1/me").send().await.expect(200);
    let task = alice.create(&json!({"title": "x", "assignee_id": bob.id()})).await;
    let path = path_of(&task);

    let outdated = || alice.patch(&path, &json!({"title": "y"})).header("if-match", "\"7\"");
    wires.expect("outdated", outdated, 412, ALL).await;
    let missing = format!("/v1/tasks/{}", app.clock.new_id());
    wires.expect("missing", || alice.patch(&missing, &json!({"title": "y"})), 404, ALL).await;
    let field = || bob.patch(&path, &json!({"title": "y"}));
    wires.expect("a field that an assignee may not change", field, 403, ALL).await;
    let nobody = json!({"assignee_id": app.clock.new_id()});
    wires.expect("an assignee who is nobody", || alice.patch(&path, &nobody), 422, ALL).await;
    assert_eq!(wires.own.fences().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_list_costs_a_hit_or_a_miss() {
    let wires = Wires::start().await;
    let app = TestApp::with(wires.setup()).await;
    let (alice, admin) = (app.caller(Role::User), app.caller(Role::Admin));
    for _ in 0..3 {
        alice.create(&json!({"title": "x"})).await;
    }
    admin.get("/v1/me").send().await.expect(200);
    let number = counter();
    let other = || alice.get(&format!("/v1/tasks?label=label-{}", number()));
    wires.expect("a miss", other, 200, ALL).await;
    wires.expect("a hit", || alice.get("/v1/tasks"), 200, HIT).await;
    let first = alice.get("/v1/tasks?limit=1").send().await.expect(200).json();
    let cursor = first["next_cursor"].as_str().expect("more").to_owned();
    let next = || alice.get(&format!("/v1/tasks?limit=1&cursor={cursor}"));
    wires.expect("the next page, a hit", next, 200, HIT).await;
    let etag = alice.get("/v1/tasks").send().await.expect(200);
    if let Some(etag) = etag.header("etag").map(str::to_owned) {
        let known = || alice.get("/v1/tasks").header("if-none-match", etag.clone());
        wires.expect("a list that is not modified", known, 304, HIT).await;
    }
    let everything = || admin.get("/v1/tasks?scope=all");
    wires.expect("everything, which is not cached", everything, 200, (1, 1)).await;
    wires.expect("users", || admin.get("/v1/users"), 200, (1, 1)).await;
    wires.expect("the caller", || alice.get("/v1/me"), 200, (1, 1)).await;
    let history = format!("{}/history", path_of(&first["items"][0]));
    wires.expect("a history", || alice.get(&history), 200, (1, 1)).await;
    wires.expect("statistics", || alice.get("/v1/stats"), 200, (1, 1)).await;
    wires.expect("of everybody", || admin.get("/v1/stats?scope=all"), 200, (1, 1)).await;
    wires.expect("the audit", || admin.get("/v1/audit-events"), 200, (1, 1)).await;
}

#[tokio::test]
async fn who_is_refused_before_the_work_costs_one_call_of_redis() {
    let wires = Wires::start().await;
    let app = TestApp::with(wires.setup()).await;
    let (alice, viewer) = (app.caller(Role::User), app.caller(Role::Viewer));
    for caller in [&alice, &viewer] {
        caller.get("/v1/me").send().await.expect(200);
    }
    let invalid = || alice.post("/v1/tasks", &json!({"title": 1}));
    wires.expect("what is not valid", invalid, 422, HIT).await;
    let unread = || alice.post("/v1/tasks", &json!({})).header("content-type", "text/plain");
    wires.expect("what is not JSON", unread, 415, HIT).await;
    let unable = || viewer.post("/v1/tasks", &json!({"title": "x"}));
    wires.expect("without the permission", unable, 403, HIT).await;
    let scope = || alice.get("/v1/tasks?scope=all");
    wires.expect("a list that is refused for its scope", scope, 403, HIT).await;
    wires.expect("without a token", || app.anonymous().get("/v1/tasks/x"), 401, HIT).await;
    let guess = app.bearing("Bearer x.y.z");
    wires.expect("a bad token", || guess.get("/v1/tasks"), 401, HIT).await;
    wires.expect("no such address", || app.anonymous().get("/nowhere"), 404, HIT).await;
}

#[tokio::test]
async fn whom_redis_does_not_know_the_database_is_asked_in_the_same_statement() {
    let wires = Wires::start().await;
    let app = TestApp::with(wires.setup()).await;
    let owner = app.caller(Role::User);
    let task = owner.create(&json!({"title": "x"})).await;
    let path = path_of(&task);
    let new = |role| app.caller(role);
    // Nobody may be shown it but those who read everything.
    new(Role::Viewer).get(&path).send().await.expect(200);
    let keys = wires.own.keys().await;
    assert!(keys.contains(&format!("v:{{t:{}}}", id_of(&task))), "{keys:?}");

    let me = || new(Role::User).get("/v1/me");
    wires.expect("the caller", me, 200, ALL).await;
    let hit = || new(Role::Viewer).get(&path);
    wires.expect("what is cached", hit, 200, ALL).await;
    let list = || new(Role::User).get("/v1/tasks");
    wires.expect("a list", list, 200, ALL).await;
    let create = || new(Role::User).post("/v1/tasks", &json!({"title": "x"}));
    wires.expect("a create", create, 201, ALL).await;
    let update = || new(Role::Admin).patch(&path, &json!({"title": "y"}));
    wires.expect("an update", update, 200, ALL).await;
    // Only to know whether the caller's token still counts.
    let invalid = || new(Role::User).post("/v1/tasks", &Value::Null);
    wires.expect("what is not valid", invalid, 400, ALL).await;
    let scope = || new(Role::User).get("/v1/tasks?scope=all");
    wires.expect("a list that is refused for its scope", scope, 403, ALL).await;
    let unable = || new(Role::Viewer).delete(&path);
    wires.expect("without the permission", unable, 403, ALL).await;
}
