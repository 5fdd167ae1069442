//! `DELETE /v1/tasks/{id}`.

use domain::Role;
use domain::event::Kind;
use serde_json::json;
use testing::{Reply, TestApp};

use super::{Named, RouteCases, case};
use crate::support::{events_of, id_of, known, path_of};

pub(crate) const ROUTE: RouteCases = RouteCases {
    route: "tasks-delete",
    request: |caller, address| caller.delete(address),
    names: Named::Task,
    own: &[case!("204", deleted)],
};

/// Gone for everybody who had it, and for administrators unless they look into the trash.
async fn deleted(app: &TestApp) -> Reply {
    let (alice, bob) = (app.caller(Role::User), app.caller(Role::User));
    let (viewer, admin) = (app.caller(Role::Viewer), app.caller(Role::Admin));
    known(app, bob.id()).await;
    let task = alice.create(&json!({"title": "x", "assignee_id": bob.id()})).await;
    let path = path_of(&task);
    let listed = async |query: &str| {
        let page = admin.get(&format!("/v1/tasks?scope=all&limit=100&{query}")).send().await;
        let page = page.expect(200).json();
        let items = page["items"].as_array().expect("items").clone();
        items.into_iter().find(|item| item["id"] == task["id"])
    };
    assert_eq!(listed("deleted=true").await, None);
    assert_eq!(listed("deleted=false").await, Some(task.clone()));

    let reply = admin.delete(&path).send().await.expect(204);
    assert_eq!(reply.text(), "");
    assert_eq!((reply.header("content-type"), reply.header("etag")), (None, None));

    let body = json!({"title": "y", "status": "completed"});
    for caller in [&alice, &bob, &viewer, &admin] {
        caller.get(&path).send().await.expect_problem("task-not-found");
    }
    for call in [admin.patch(&path, &body), admin.put(&path, &body), admin.delete(&path)] {
        call.send().await.expect_problem("task-not-found");
    }
    let shown = admin.get(&format!("{path}?include_deleted=true")).send().await.expect(200);
    assert_eq!(shown.header("etag"), Some("\"2\""));
    let in_trash = shown.json();
    assert_eq!(in_trash["deleted_at"], in_trash["updated_at"]);
    assert_eq!((&in_trash["title"], &in_trash["status"]), (&json!("x"), &json!("pending")));
    assert_eq!(listed("deleted=true").await, Some(in_trash));
    assert_eq!(listed("deleted=false").await, None);

    let told = events_of(app, id_of(&task)).await.pop().expect("an event");
    assert_eq!((told.event, told.version), (Kind::TaskDeleted, 2));
    assert_eq!(told.changed, ["deleted_at"]);
    reply
}

/// It counts no more: a list without filters takes its total from a counter.
#[tokio::test]
async fn a_deleted_task_leaves_the_lists_of_those_who_had_it() {
    let app = TestApp::start().await;
    let (alice, admin) = (app.caller(Role::User), app.caller(Role::Admin));
    let task = alice.create(&json!({"title": "x", "assignee_id": alice.id()})).await;
    let total = async |scope: &str| {
        let page = alice.get(&format!("/v1/tasks?scope={scope}")).send().await.expect(200).json();
        (page["total"].clone(), page["items"].as_array().map(Vec::len))
    };
    for scope in ["owned", "assigned"] {
        assert_eq!(total(scope).await, (json!(1), Some(1)), "{scope}");
    }
    admin.delete(&path_of(&task)).send().await.expect(204);
    for scope in ["owned", "assigned"] {
        assert_eq!(total(scope).await, (json!(0), Some(0)), "{scope}");
    }
}
