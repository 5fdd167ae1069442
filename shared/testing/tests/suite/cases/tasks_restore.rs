//! `POST /v1/tasks/{id}/restore`.

use domain::Role;
use domain::event::Kind;
use serde_json::json;
use testing::{Reply, TestApp};

use super::{Named, RouteCases, case};
use crate::support::{events_of, everything, id_of, path_of};

pub(crate) const ROUTE: RouteCases = RouteCases {
    route: "tasks-restore",
    request: |caller, address| caller.call("POST", address),
    names: Named::DeletedTask,
    own: &[case!("200", restored), case!("conflict", not_deleted)],
};

/// It comes back as it was, two versions later, and is its owner's again.
async fn restored(app: &TestApp) -> Reply {
    let (alice, admin) = (app.caller(Role::User), app.caller(Role::Admin));
    let body = json!({"title": "x", "status": "completed", "labels": ["home"]});
    let mut task = alice.create(&body).await;
    admin.delete(&path_of(&task)).send().await.expect(204);
    let restore = format!("{}/restore", path_of(&task));
    let reply = admin.call("POST", &restore).send().await.expect(200);
    let answer = reply.json();
    assert!(answer["updated_at"].as_str() >= task["updated_at"].as_str());
    task["version"] = json!(3);
    task["updated_at"] = answer["updated_at"].clone();
    assert_eq!(answer, task);
    assert_eq!(reply.header("etag"), Some("\"3\""));
    assert_eq!(alice.get(&path_of(&task)).send().await.expect(200).text(), reply.text());
    let page = alice.get("/v1/tasks").send().await.expect(200).json();
    assert_eq!((&page["total"], &page["items"]), (&json!(1), &json!([task])));

    let events = events_of(app, id_of(&task)).await;
    let kinds: Vec<_> = events.iter().map(|event| event.event).collect();
    assert_eq!(kinds, [Kind::TaskCreated, Kind::TaskDeleted, Kind::TaskRestored]);
    reply
}

async fn not_deleted(app: &TestApp) -> Reply {
    let admin = app.caller(Role::Admin);
    let task = admin.create(&json!({"title": "x"})).await;
    let before = everything(app).await;
    let reply = admin.call("POST", &format!("{}/restore", path_of(&task))).send().await;
    assert_eq!(reply.json()["detail"], "The task is not deleted.");
    assert_eq!(everything(app).await, before);
    reply
}
