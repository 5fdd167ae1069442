//! `GET /v1/audit-events`.

use domain::Role;
use issuer::Person;
use serde_json::{Value, json};
use testing::{Caller, Reply, TestApp};

use super::{Named, RouteCases, case};
use crate::support::path_of;

pub(crate) const ROUTE: RouteCases = RouteCases {
    route: "audit-list",
    request: |caller, address| caller.get(address),
    names: Named::Nothing,
    own: &[
        case!("200", of_accounts),
        case!("200", filtered),
        case!("200", paged),
        case!("304", not_modified),
        case!("invalid-cursor", no_cursor_of_this_list),
    ],
};

async fn list(admin: &Caller<'_>, query: &str) -> (Value, Reply) {
    let reply = admin.get(&format!("/v1/audit-events?{query}")).send().await.expect(200);
    (reply.json(), reply)
}

fn ids(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().expect("items");
    items.iter().map(|entry| entry["id"].as_str().expect("an id").to_owned()).collect()
}

fn events(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().expect("items");
    items.iter().filter_map(|entry| entry["event"].as_str()).collect()
}

/// Some tasks of one person, and what was done to them. Five events.
async fn some_events(app: &TestApp) -> (Caller<'_>, [Value; 2]) {
    let alice = app.caller(Role::User);
    let tasks = [
        alice.create(&json!({"title": "a"})).await,
        alice.create(&json!({"title": "b", "status": "completed"})).await,
    ];
    alice.patch(&path_of(&tasks[0]), &json!({"status": "in_progress"})).send().await.expect(200);
    alice.patch(&path_of(&tasks[0]), &json!({"title": "c"})).send().await.expect(200);
    app.caller(Role::Admin).delete(&path_of(&tasks[0])).send().await.expect(204);
    app.deliver().await;
    (alice, tasks)
}

/// What is not about a task says what it is about.
async fn of_accounts(app: &TestApp) -> Reply {
    let admin = app.person(Person::new("the-admin", &["admin"]));
    let bob = app.caller(Role::User);
    bob.get("/v1/me").send().await.expect(200);
    let path = format!("/v1/users/{}", bob.id());
    let shut = admin.patch(&path, &json!({"active": false})).header("x-request-id", "shut-bob-out");
    shut.send().await.expect(200);
    let token = app.issuer.mint_logout(bob.person());
    let logout = app.anonymous().call("POST", "/oidc/backchannel-logout");
    let logout = logout.header("x-request-id", "bob-signs-out");
    logout.form(&[("logout_token", &token)]).send().await.expect(200);
    app.deliver().await;

    let (page, reply) = list(&admin, "request_id=shut-bob-out").await;
    let entry = &page["items"][0];
    let expected = json!({
        "id": entry["id"], "event": "user.deactivated", "task_id": null,
        "subject": {"type": "user", "id": bob.id()}, "version": 1,
        "actor": {"id": admin.id(), "username": "the-admin"}, "at": entry["at"],
        "request_id": "shut-bob-out", "changes": {"active": {"from": true, "to": false}},
    });
    assert_eq!(page, json!({"items": [expected], "next_cursor": null}));
    // Nobody of ours did it.
    let (page, _) = list(&admin, "request_id=bob-signs-out").await;
    assert_eq!(
        (events(&page), &page["items"][0]["actor"]),
        (vec!["session.revoked"], &Value::Null)
    );
    reply
}

/// Every condition must be true; the newest come first.
async fn filtered(app: &TestApp) -> Reply {
    let (alice, [one, two]) = some_events(app).await;
    let admin = app.caller(Role::Admin);
    let of_one = format!("task_id={}", one["id"].as_str().expect("an id"));
    let of_two = format!("task_id={}", two["id"].as_str().expect("an id"));
    let by_alice = format!("actor_id={}", alice.id());
    let (all, _) = list(&admin, &of_one).await;
    let of_task = ["task.deleted", "task.updated", "task.status_changed", "task.created"];
    assert_eq!(events(&all), of_task);
    assert!(all["items"][0].get("subject").is_none(), "{all}");
    let descending = ids(&all).windows(2).all(|pair| pair[0] > pair[1]);
    assert!(descending, "{all}");

    let nobody = format!("actor_id={}", app.clock.new_id());
    let (made, at) = (one["created_at"].as_str().expect("a time"), |n: usize| {
        all["items"][n]["at"].as_str().expect("a time")
    });
    for (query, expected) in [
        (of_two, &["task.created"][..]),
        (format!("{by_alice}&event=task.created"), &["task.created", "task.created"]),
        (format!("{of_one}&{by_alice}"), &of_task[1..]),
        (format!("{of_one}&event=task.completed"), &[]),
        (nobody, &[]),
        (format!("{of_one}&from={made}"), &of_task),
        (format!("{of_one}&from={}", at(0)), &of_task[..1]),
        (format!("{of_one}&to={}", at(0)), &of_task[1..]),
        (format!("{of_one}&from={}&to={}", at(2), at(1)), &of_task[2..3]),
        (format!("{of_one}&to={made}"), &[]),
        (format!("{of_one}&from=2999-01-01T00:00:00Z"), &[]),
        (format!("{of_one}&to=1900-01-01T00:00:00Z"), &[]),
        (format!("{of_one}&from=1900-01-01T00:00:00Z&to=9999-12-31T23:59:59Z"), &of_task),
    ] {
        let (page, _) = list(&admin, &query).await;
        assert_eq!(events(&page), expected, "{query}");
    }
    list(&admin, "").await.1
}

/// Each entry once, whatever is added meanwhile.
async fn paged(app: &TestApp) -> Reply {
    let admin = app.caller(Role::Admin);
    let alice = app.caller(Role::User);
    let by_alice = format!("actor_id={}", alice.id());
    for title in 0..5 {
        alice.create(&json!({"title": title.to_string()})).await;
    }
    app.deliver().await;
    for limit in [1, 2, 3, 7] {
        let (all, _) = list(&admin, &format!("{by_alice}&limit=100")).await;
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let (page, _) = list(&admin, &format!("{by_alice}&limit={limit}{cursor}")).await;
            found.extend(ids(&page));
            let Some(next) = page["next_cursor"].as_str() else { break };
            if cursor.is_empty() {
                alice.create(&json!({"title": "meanwhile"})).await;
                app.deliver().await;
            }
            cursor = format!("&cursor={next}");
        }
        assert_eq!(found, ids(&all), "in pages of {limit}");
    }
    list(&admin, &by_alice).await.1
}

async fn not_modified(app: &TestApp) -> Reply {
    let (alice, _) = some_events(app).await;
    let admin = app.caller(Role::Admin);
    let path = format!("/v1/audit-events?actor_id={}", alice.id());
    let first = admin.get(&path).send().await.expect(200);
    let tag = first.header("etag").expect("a tag").to_owned();
    admin.get(&path).header("if-none-match", tag).send().await.expect(304)
}

/// Nonsense, and cursors that another question was answered with.
async fn no_cursor_of_this_list(app: &TestApp) -> Reply {
    let (alice, [one, _]) = some_events(app).await;
    let admin = app.caller(Role::Admin);
    let query = format!("actor_id={}", alice.id());
    let (page, _) = list(&admin, &format!("{query}&limit=1")).await;
    let good = page["next_cursor"].as_str().expect("a cursor").to_owned();
    list(&admin, &format!("{query}&limit=9&cursor={good}")).await;
    let history = format!("{}/history?limit=1", path_of(&one));
    let page = admin.get(&history).send().await.expect(200).json();
    let of_history = page["next_cursor"].as_str().expect("a cursor").to_owned();
    let mut last = None;
    for bad in [
        format!("{query}&cursor=x"),
        format!("{query}&cursor={}", &good[1..]),
        format!("{query}&cursor={of_history}"),
        format!("{query}&event=task.created&cursor={good}"),
        format!("cursor={good}"),
    ] {
        let reply = admin.get(&format!("/v1/audit-events?{bad}")).send().await;
        last = Some(reply.expect_problem("invalid-cursor"));
    }
    last.expect("a reply")
}
