//! `GET /v1/tasks/{id}/history`.

use domain::Role;
use issuer::Person;
use serde_json::{Value, json};
use testing::{Caller, Reply, TestApp};

use super::{Named, RouteCases, case};
use crate::support::path_of;

pub(crate) const ROUTE: RouteCases = RouteCases {
    route: "tasks-history",
    request: |caller, address| caller.get(address),
    names: Named::Task,
    own: &[
        case!("200", shown),
        case!("200", paged),
        case!("304", not_modified),
        case!("invalid-cursor", no_cursor_of_this_history),
        case!("validation-failed", no_limit),
    ],
};

fn history_of(task: &Value) -> String {
    format!("{}/history", path_of(task))
}

/// A task with so many versions, all of whose events have arrived.
async fn changed(app: &TestApp, caller: &Caller<'_>, versions: usize) -> Value {
    let task = caller.create(&json!({"title": "version 1"})).await;
    for version in 2..=versions {
        let title = json!({"title": format!("version {version}")});
        caller.patch(&path_of(&task), &title).send().await.expect(200);
    }
    app.deliver().await;
    task
}

fn versions(page: &Value) -> Vec<i64> {
    let items = page["items"].as_array().expect("items");
    items.iter().map(|entry| entry["version"].as_i64().expect("a version")).collect()
}

/// Newest first: who did what, from what to what. Descriptions are told by their length.
async fn shown(app: &TestApp) -> Reply {
    let alice = app.person(Person::new("alice", &["user"]));
    let bob = app.person(Person::new("bob", &["user"]));
    bob.get("/v1/me").send().await.expect(200);
    let body = json!({"title": "a", "assignee_id": bob.id()});
    let create = alice.post("/v1/tasks", &body).header("x-request-id", "request-1");
    let task = create.send().await.expect(201).json();
    let path = history_of(&task);
    let nothing = alice.get(&path).send().await.expect(200).json();
    assert_eq!(nothing, json!({"items": [], "next_cursor": null}), "events are on their way");

    let change = json!({"title": "b", "description": "a long story"});
    let change = alice.patch(&path_of(&task), &change).header("x-request-id", "request-2");
    let second = change.send().await.expect(200).json();
    let done = bob.patch(&path_of(&task), &json!({"status": "completed"}));
    let third = done.header("x-request-id", "request-3").send().await.expect(200).json();
    app.deliver().await;

    let reply = bob.get(&path).send().await.expect(200);
    let page = reply.json();
    let id = |place: usize| page["items"][place]["id"].clone();
    let expected = json!({"items": [
        {
            "id": id(0), "event": "task.completed", "task_id": task["id"], "version": 3,
            "actor": {"id": bob.id(), "username": "bob"}, "at": third["updated_at"],
            "request_id": "request-3",
            "changes": {"status": {"from": "pending", "to": "completed"}},
        },
        {
            "id": id(1), "event": "task.updated", "task_id": task["id"], "version": 2,
            "actor": {"id": alice.id(), "username": "alice"}, "at": second["updated_at"],
            "request_id": "request-2",
            "changes": {
                "description": {"from": null, "to": {"length": 12}},
                "title": {"from": "a", "to": "b"},
            },
        },
        {
            "id": id(2), "event": "task.created", "task_id": task["id"], "version": 1,
            "actor": {"id": alice.id(), "username": "alice"}, "at": task["created_at"],
            "request_id": "request-1", "changes": {},
        },
    ], "next_cursor": null});
    assert_eq!(page, expected);
    let start = format!(r#"{{"items":[{{"id":{},"event":"#, id(0));
    assert!(reply.text().starts_with(&start), "{}", reply.text());
    reply
}

/// Each entry once, whatever is added meanwhile.
async fn paged(app: &TestApp) -> Reply {
    let alice = app.caller(Role::User);
    let task = changed(app, &alice, 5).await;
    for (newest, limit) in (5..).zip([1, 2, 3, 5]) {
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("{}?limit={limit}{cursor}", history_of(&task));
            let page = alice.get(&path).send().await.expect(200).json();
            found.extend(versions(&page));
            let Some(next) = page["next_cursor"].as_str() else { break };
            if cursor.is_empty() {
                let title = json!({"title": format!("while pages of {limit} are walked")});
                alice.patch(&path_of(&task), &title).send().await.expect(200);
                app.deliver().await;
            }
            cursor = format!("&cursor={next}");
        }
        let expected: Vec<i64> = (1..=newest).rev().collect();
        assert_eq!(found, expected, "in pages of {limit}");
    }
    alice.get(&history_of(&task)).send().await
}

async fn not_modified(app: &TestApp) -> Reply {
    let alice = app.caller(Role::User);
    let task = changed(app, &alice, 2).await;
    let first = alice.get(&history_of(&task)).send().await.expect(200);
    let tag = first.header("etag").expect("a tag").to_owned();
    let again = || alice.get(&history_of(&task)).header("if-none-match", tag.clone());
    let reply = again().send().await.expect(304);
    alice.patch(&path_of(&task), &json!({"title": "new"})).send().await.expect(200);
    app.deliver().await;
    again().send().await.expect(200);
    reply
}

/// Nonsense, and cursors that another question was answered with.
async fn no_cursor_of_this_history(app: &TestApp) -> Reply {
    let alice = app.caller(Role::User);
    let (task, other) = (changed(app, &alice, 2).await, changed(app, &alice, 2).await);
    let cursor = async |path: String| {
        let page = alice.get(&path).send().await.expect(200).json();
        page["next_cursor"].as_str().expect("a cursor").to_owned()
    };
    let good = cursor(format!("{}?limit=1", history_of(&task))).await;
    let of_other = cursor(format!("{}?limit=1", history_of(&other))).await;
    let of_tasks = cursor("/v1/tasks?limit=1".to_owned()).await;
    let path = |cursor: &str| format!("{}?cursor={cursor}", history_of(&task));
    alice.get(&path(&good)).send().await.expect(200);
    let mut last = None;
    for bad in ["x", "", &good[..good.len() - 1], &of_other, &of_tasks] {
        let reply = alice.get(&path(bad)).send().await;
        last = Some(reply.expect_problem("invalid-cursor"));
    }
    last.expect("a reply")
}

async fn no_limit(app: &TestApp) -> Reply {
    let alice = app.caller(Role::User);
    let task = alice.create(&json!({"title": "x"})).await;
    let reply = alice.get(&format!("{}?limit=101", history_of(&task))).send().await;
    assert_eq!(reply.errors(), [("limit".into(), "out_of_range".into())]);
    reply
}

/// Whoever may see the task sees all of its history; whoever may not is told of no task.
#[tokio::test]
async fn a_history_is_there_for_those_who_may_see_the_task_as_it_is_now() {
    let app = TestApp::start().await;
    let (alice, bob, carol) =
        (app.caller(Role::User), app.caller(Role::User), app.caller(Role::User));
    let (admin, viewer) = (app.caller(Role::Admin), app.caller(Role::Viewer));
    for user in [&bob, &carol] {
        user.get("/v1/me").send().await.expect(200);
    }
    let task = alice.create(&json!({"title": "x", "assignee_id": bob.id()})).await;
    let path = history_of(&task);
    app.deliver().await;
    for caller in [&alice, &bob, &viewer, &admin] {
        let page = caller.get(&path).send().await.expect(200).json();
        assert_eq!(versions(&page), [1]);
    }
    carol.get(&path).send().await.expect_problem("task-not-found");

    admin.patch(&path_of(&task), &json!({"user_id": carol.id()})).send().await.expect(200);
    alice.patch(&path_of(&task), &json!({"title": "y"})).send().await.expect(404);
    alice.get(&path).send().await.expect_problem("task-not-found");
    admin.patch(&path_of(&task), &json!({"assignee_id": null})).send().await.expect(200);
    bob.get(&path).send().await.expect_problem("task-not-found");
    app.deliver().await;
    let page = carol.get(&path).send().await.expect(200).json();
    assert_eq!(versions(&page), [3, 2, 1], "also what happened before it was hers");

    admin.delete(&path_of(&task)).send().await.expect(204);
    app.deliver().await;
    carol.get(&path).send().await.expect_problem("task-not-found");
    viewer.get(&path).send().await.expect_problem("task-not-found");
    let page = admin.get(&path).send().await.expect(200).json();
    assert_eq!(
        (versions(&page), &page["items"][0]["event"]),
        (vec![4, 3, 2, 1], &json!("task.deleted"))
    );
}
