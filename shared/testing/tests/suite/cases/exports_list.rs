//! `GET /v1/exports`.

use domain::Role;
use serde_json::{Value, json};
use testing::{Reply, TestApp};

use super::{Named, RouteCases, case};
use crate::support::export_of;

pub(crate) const ROUTE: RouteCases = RouteCases {
    route: "exports-list",
    request: |caller, address| caller.get(address),
    names: Named::Nothing,
    own: &[
        case!("200", walked),
        case!("304", not_modified),
        case!("invalid-cursor", no_cursor_of_this_list),
    ],
};

fn ids(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().expect("items");
    items.iter().map(|export| export["id"].as_str().expect("an id").to_owned()).collect()
}

/// One's own, newest first, to the end; also those that were asked for in the same moment.
async fn walked(app: &TestApp) -> Reply {
    let (alice, bob) = (app.caller(Role::User), app.caller(Role::User));
    let mut expected = Vec::new();
    for _ in 0..5 {
        expected.insert(0, export_of(app, alice.id()).await.to_string());
        export_of(app, bob.id()).await;
    }
    let sql = "UPDATE app.exports SET requested_at = '2026-01-01' WHERE user_id = $1";
    app.db.rows(sql, &[&alice.id()]).await;
    let mut found = Vec::new();
    let mut address = "/v1/exports?limit=2".to_owned();
    loop {
        let reply = alice.get(&address).send().await.expect(200);
        let page = reply.json();
        found.extend(ids(&page));
        let Some(cursor) = page["next_cursor"].as_str() else {
            assert_eq!(found, expected);
            return reply;
        };
        assert_eq!(page["items"].as_array().map(Vec::len), Some(2));
        address = format!("/v1/exports?limit=2&cursor={cursor}");
    }
}

async fn not_modified(app: &TestApp) -> Reply {
    let alice = app.caller(Role::User);
    export_of(app, alice.id()).await;
    let reply = alice.get("/v1/exports").send().await.expect(200);
    let etag = reply.header("etag").expect("a tag");
    let again = alice.get("/v1/exports").header("if-none-match", etag).send().await;
    export_of(app, alice.id()).await;
    alice.get("/v1/exports").header("if-none-match", etag).send().await.expect(200);
    again
}

/// A cursor of another list, and no cursor at all.
async fn no_cursor_of_this_list(app: &TestApp) -> Reply {
    let alice = app.caller(Role::User);
    for title in ["a", "b"] {
        alice.create(&json!({"title": title})).await;
    }
    let tasks = alice.get("/v1/tasks?limit=1").send().await.expect(200).json();
    let of_tasks = tasks["next_cursor"].as_str().expect("a cursor").to_owned();
    let mut last = None;
    for cursor in [of_tasks.as_str(), "x", "e30"] {
        let reply = alice.get(&format!("/v1/exports?cursor={cursor}")).send().await;
        last = Some(reply.expect_problem("invalid-cursor"));
    }
    last.expect("a reply")
}
