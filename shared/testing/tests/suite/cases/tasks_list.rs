//! `GET /v1/tasks`.

use domain::Role;
use serde_json::{Value, json};
use testing::{Caller, Reply, TestApp};

use super::{Named, RouteCases, case};
use crate::support::{path_of, task_assigned_to};

pub(crate) const ROUTE: RouteCases = RouteCases {
    route: "tasks-list",
    request: |caller, address| caller.get(address),
    names: Named::Nothing,
    own: &[
        case!("200", by_page),
        case!("200", by_position),
        case!("200", by_cursor),
        case!("200", without_any),
        case!("200", filtered),
        case!("200", sorted),
        case!("304", not_modified),
        case!("invalid-cursor", no_cursor_of_this_list),
        case!("page-too-deep", too_deep),
    ],
};

/// Somebody with that many tasks; the newest comes first.
async fn with_tasks(app: &TestApp, count: usize) -> (Caller<'_>, Vec<Value>) {
    let alice = app.caller(Role::User);
    let mut tasks = Vec::new();
    for n in 0..count {
        tasks.insert(0, alice.create(&json!({"title": format!("task {n}")})).await);
    }
    (alice, tasks)
}

async fn list(caller: &Caller<'_>, query: &str) -> (Value, Reply) {
    let reply = caller.get(&format!("/v1/tasks?{query}")).send().await.expect(200);
    (reply.json(), reply)
}

fn titles(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().expect("items");
    items.iter().filter_map(|task| task["title"].as_str()).collect()
}

/// The members of an answer, in their order.
fn members(reply: &Reply) -> Vec<String> {
    let object: serde_json::Map<String, Value> =
        serde_json::from_str(reply.text()).expect("an object");
    let mut names: Vec<String> = object.keys().cloned().collect();
    names.sort_unstable_by_key(|name| reply.text().rfind(&format!("\"{name}\":")));
    names
}

/// Without any parameter a list is its first page, as in document 003.
async fn by_page(app: &TestApp) -> Reply {
    let (alice, tasks) = with_tasks(app, 3).await;
    let reply = alice.get("/v1/tasks").send().await.expect(200);
    let expected =
        json!({"total": 3, "page": 1, "page_size": 10, "items": tasks, "next_cursor": null});
    assert_eq!(reply.json(), expected);
    assert_eq!(members(&reply), ["total", "page", "page_size", "items", "next_cursor"]);
    let start = r#"{"total":3,"page":1,"page_size":10,"items":[{"id":"#;
    assert!(reply.text().starts_with(start), "{}", reply.text());
    let named = alice.get("/v1/tasks?page_size=10&page=1").send().await.expect(200);
    assert_eq!(named.text(), reply.text());

    let (second, _) = list(&alice, "page=2&page_size=2").await;
    let expected = json!({
        "total": 3, "page": 2, "page_size": 2, "items": [tasks[2]], "next_cursor": null,
    });
    assert_eq!(second, expected);
    let (beyond, _) = list(&alice, "page=9").await;
    assert_eq!((&beyond["total"], &beyond["items"]), (&json!(3), &json!([])));
    assert_eq!(beyond["next_cursor"], Value::Null);
    // Every way to page leads on by cursor.
    let (first, _) = list(&alice, "page_size=2").await;
    let cursor = first["next_cursor"].as_str().expect("a cursor");
    assert_eq!(list(&alice, &format!("cursor={cursor}")).await.0["items"], json!([tasks[2]]));
    reply
}

async fn by_position(app: &TestApp) -> Reply {
    let (alice, tasks) = with_tasks(app, 3).await;
    let (page, reply) = list(&alice, "skip=1&limit=1").await;
    let expected = json!({
        "total": 3, "skip": 1, "limit": 1, "items": [tasks[1]], "next_cursor": page["next_cursor"],
    });
    assert_eq!(page, expected);
    assert_eq!(members(&reply), ["total", "skip", "limit", "items", "next_cursor"]);
    let cursor = page["next_cursor"].as_str().expect("a cursor");
    assert_eq!(list(&alice, &format!("cursor={cursor}")).await.0["items"], json!([tasks[2]]));
    let (page, _) = list(&alice, "skip=0").await;
    let expected = json!({"total": 3, "skip": 0, "limit": 10, "items": tasks, "next_cursor": null});
    assert_eq!(page, expected);
    reply
}

async fn by_cursor(app: &TestApp) -> Reply {
    let (alice, tasks) = with_tasks(app, 3).await;
    let (page, reply) = list(&alice, "limit=2").await;
    assert_eq!(members(&reply), ["items", "next_cursor"]);
    assert_eq!(page["items"], json!(tasks[..2]));
    let cursor = page["next_cursor"].as_str().expect("a cursor");
    let (last, _) = list(&alice, &format!("limit=2&cursor={cursor}")).await;
    assert_eq!(last, json!({"items": [tasks[2]], "next_cursor": null}));
    // A full page after which nothing comes is the last.
    assert_eq!(list(&alice, "limit=3").await.0["next_cursor"], Value::Null);
    assert_eq!(list(&alice, "limit=100").await.0["items"], json!(tasks));
    reply
}

async fn without_any(app: &TestApp) -> Reply {
    let reply = app.caller(Role::User).get("/v1/tasks").send().await.expect(200);
    let empty = json!({"total": 0, "page": 1, "page_size": 10, "items": [], "next_cursor": null});
    assert_eq!(reply.json(), empty);
    reply
}

/// Each filter lets through what it names, and the total is that of the filter.
async fn filtered(app: &TestApp) -> Reply {
    let alice = app.caller(Role::User);
    alice.get("/v1/me").send().await.expect(200);
    for task in [
        json!({"title": "a", "status": "completed", "priority": "urgent", "labels": ["x", "y"]}),
        json!({"title": "b", "labels": ["x"], "due_at": "2020-01-01T00:00:00Z"}),
        json!({"title": "c", "status": "rejected", "due_at": "2020-01-01T00:00:00Z"}),
        json!({"title": "d", "description": "50% of A", "assignee_id": alice.id()}),
    ] {
        alice.create(&task).await;
    }
    let me = alice.id();
    let mut last = None;
    for (query, expected) in [
        ("status=completed,rejected", "ca"),
        ("status=in-progress", ""),
        ("priority=urgent", "a"),
        ("label=x", "ba"),
        ("label=y&label=x", "a"),
        ("assignee_id=me", "d"),
        (&format!("assignee_id={me}"), "d"),
        ("assignee_id=none", "cba"),
        ("scope=assigned", "d"),
        ("q=50%25", "d"),
        ("q=%25", "d"),
        ("q=_", ""),
        ("q=A", "da"),
        ("created_after=2020-01-01T00:00:00Z", "dcba"),
        ("created_before=2020-01-01T00:00:00Z", ""),
        ("updated_after=2999-01-01T00:00:00Z", ""),
        ("due_after=2019-12-31T23:59:59Z", "cb"),
        ("due_after=2020-01-01T01:00:00%2B01:00", ""),
        ("due_before=2020-01-01T00:00:00.001Z", "cb"),
        ("overdue=true", "b"),
        ("overdue=false", "dca"),
        ("deleted=false", "dcba"),
    ] {
        let (page, reply) = list(&alice, query).await;
        assert_eq!(titles(&page).concat(), expected, "{query}");
        assert_eq!(page["total"], expected.len(), "{query}");
        last = Some(reply);
    }
    last.expect("a reply")
}

async fn sorted(app: &TestApp) -> Reply {
    let alice = app.caller(Role::User);
    for task in [
        json!({"title": "a", "priority": "low", "due_at": "2026-12-02T00:00:00Z"}),
        json!({"title": "b", "priority": "urgent"}),
        json!({"title": "c", "due_at": "2026-12-01T00:00:00Z"}),
    ] {
        alice.create(&task).await;
    }
    let (page, _) = list(&alice, "").await;
    let first = path_of(&page["items"][2]);
    alice.patch(&first, &json!({"labels": ["changed"]})).send().await.expect(200);
    let mut last = None;
    for (sort, expected) in [
        ("created_at", "abc"),
        ("-created_at", "cba"),
        ("updated_at", "bca"),
        ("-updated_at", "acb"),
        // What is never due comes last, whatever the direction.
        ("due_at", "cab"),
        ("-due_at", "acb"),
        ("priority", "acb"),
        ("-priority", "bca"),
    ] {
        let (page, reply) = list(&alice, &format!("sort={sort}")).await;
        assert_eq!(titles(&page).concat(), expected, "{sort}");
        last = Some(reply);
    }
    last.expect("a reply")
}

/// A list is known again by its weak tag, until something in it changes.
async fn not_modified(app: &TestApp) -> Reply {
    let (alice, tasks) = with_tasks(app, 1).await;
    let (_, first) = list(&alice, "").await;
    let tag = first.header("etag").expect("a tag").to_owned();
    assert!(tag.starts_with("W/\""), "{tag}");
    let again = |tag: &str| alice.get("/v1/tasks").header("if-none-match", tag);
    let reply = again(&tag).send().await.expect(304);
    assert_eq!((reply.text(), reply.header("etag")), ("", Some(tag.as_str())));
    again(tag.trim_start_matches("W/")).send().await.expect(304);
    again("W/\"other\"").send().await.expect(200);
    alice.patch(&path_of(&tasks[0]), &json!({"priority": "low"})).send().await.expect(200);
    again(&tag).send().await.expect(200);
    reply
}

/// Nonsense, and cursors of other lists: of another order, another question, another scope.
async fn no_cursor_of_this_list(app: &TestApp) -> Reply {
    let (alice, _) = with_tasks(app, 2).await;
    let (page, _) = list(&alice, "limit=1").await;
    let good = page["next_cursor"].as_str().expect("a cursor");
    list(&alice, &format!("scope=owned&sort=-created_at&limit=7&cursor={good}")).await;
    let mut last = None;
    for query in [
        "cursor=",
        "cursor=x",
        "cursor=%27%3B%20DROP%20TABLE%20tasks%3B--",
        &format!("cursor={}", &good[1..]),
        &format!("cursor={good}="),
        &format!("cursor={good}{good}"),
        &format!("cursor={good}&sort=created_at"),
        &format!("cursor={good}&sort=-updated_at"),
        &format!("cursor={good}&status=pending"),
        &format!("cursor={good}&scope=assigned"),
        &format!("cursor={good}&label=x"),
    ] {
        let reply = alice.get(&format!("/v1/tasks?{query}")).send().await;
        last = Some(reply.expect_problem("invalid-cursor").expect(422));
    }
    last.expect("a reply")
}

/// Ten thousand may come before a page, and not one more.
async fn too_deep(app: &TestApp) -> Reply {
    let (alice, _) = with_tasks(app, 1).await;
    for query in ["skip=10000", "page=1001", "page=101&page_size=100"] {
        let (page, _) = list(&alice, query).await;
        assert_eq!((&page["total"], &page["items"]), (&json!(1), &json!([])), "{query}");
    }
    let mut last = None;
    for query in ["skip=10001", "page=1002", "page=102&page_size=100", "page=4294967295"] {
        let reply = alice.get(&format!("/v1/tasks?{query}")).send().await;
        let reply = reply.expect_problem("page-too-deep").expect(422);
        assert!(reply.json()["detail"].as_str().is_some_and(|text| text.contains("next_cursor")));
        last = Some(reply);
    }
    last.expect("a reply")
}

/// A cursor carries no rights: with another's, one is shown one's own.
#[tokio::test]
async fn a_cursor_of_somebody_else_shows_nothing_of_theirs() {
    let app = TestApp::start().await;
    let (alice, _) = with_tasks(&app, 2).await;
    let bob = app.caller(Role::User);
    let own = bob.create(&json!({"title": "bob's"})).await;
    task_assigned_to(&app, alice.id()).await;
    let (page, _) = list(&alice, "sort=created_at&limit=1").await;
    let cursor = page["next_cursor"].as_str().expect("a cursor");
    let (page, _) = list(&bob, &format!("sort=created_at&cursor={cursor}")).await;
    assert_eq!(page["items"], json!([own]));
}

/// The parameters of two ways to page do not go together, and none shows more than 100.
#[tokio::test]
async fn a_list_is_paged_in_one_way() {
    let app = TestApp::start().await;
    let alice = app.caller(Role::User);
    for (query, parameter, code) in [
        ("page=1&skip=0", "skip", "mixed_paging"),
        ("page=1&limit=5", "limit", "mixed_paging"),
        ("page_size=5&limit=5", "limit", "mixed_paging"),
        ("page_size=5&cursor=x", "cursor", "mixed_paging"),
        ("skip=0&cursor=x", "cursor", "mixed_paging"),
        ("page=0", "page", "out_of_range"),
        ("page_size=0", "page_size", "out_of_range"),
        ("page_size=101", "page_size", "out_of_range"),
        ("limit=0", "limit", "out_of_range"),
        ("limit=101", "limit", "out_of_range"),
        ("skip=0&limit=101", "limit", "out_of_range"),
        ("skip=-1", "skip", "invalid_value"),
    ] {
        let reply = alice.get(&format!("/v1/tasks?{query}")).send().await;
        let errors = reply.expect_problem("validation-failed").errors();
        assert_eq!(errors, [(parameter.to_owned(), code.to_owned())], "{query}");
    }
}
