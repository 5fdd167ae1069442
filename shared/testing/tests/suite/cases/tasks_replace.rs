//! `PUT /v1/tasks/{id}`.

use domain::Role;
use serde_json::{Value, json};
use testing::{Reply, TestApp};

use super::{Named, RouteCases, case};
use crate::support::{events_of, everything, id_of, known, path_of};

pub(crate) const ROUTE: RouteCases = RouteCases {
    route: "tasks-replace",
    request: |caller, address| {
        caller.put(address, &json!({"title": "feed the cat", "status": "completed"}))
    },
    names: Named::Task,
    own: &[
        case!("200", replaced),
        case!("200", replaced_by_the_same),
        case!("200", replaced_by_an_administrator),
    ],
};

/// What is left out goes back to its default.
async fn replaced(app: &TestApp) -> Reply {
    let alice = app.caller(Role::User);
    let full = json!({
        "title": "water the plants", "description": "all of them", "status": "completed",
        "priority": "high", "due_at": "2026-12-01T09:00:00.000Z", "labels": ["home"],
        "assignee_id": alice.id(),
    });
    let task = alice.create(&json!({"title": "x"})).await;
    let reply = alice.put(&path_of(&task), &full).send().await.expect(200);
    let whole = reply.json();
    for (field, value) in full.as_object().expect("an object") {
        assert_eq!(&whole[field], value, "{field}");
    }
    assert_eq!(whole["completed_at"], whole["updated_at"]);

    let bare = json!({"title": " y ", "status": "in-progress"});
    let reply = alice.put(&path_of(&task), &bare).send().await.expect(200);
    let answer = reply.json();
    let expected = json!({
        "id": task["id"], "title": "y", "description": null, "status": "in_progress",
        "priority": "normal", "due_at": null, "labels": [], "assignee_id": null,
        "user_id": alice.id(), "version": 3, "created_at": task["created_at"],
        "updated_at": answer["updated_at"], "completed_at": null,
    });
    assert_eq!(answer, expected);
    assert_eq!(reply.header("etag"), Some("\"3\""));
    assert_eq!(alice.get(&path_of(&task)).send().await.text(), reply.text());
    reply
}

async fn replaced_by_the_same(app: &TestApp) -> Reply {
    let alice = app.caller(Role::User);
    let body = json!({"title": "x", "status": "pending"});
    let task = alice.create(&body).await;
    let reply = alice.put(&path_of(&task), &body).send().await.expect(200);
    assert_eq!(reply.json(), task);
    assert_eq!(events_of(app, id_of(&task)).await.len(), 1);
    reply
}

/// The owner is no field that goes back to a default.
async fn replaced_by_an_administrator(app: &TestApp) -> Reply {
    let (alice, bob, admin) =
        (app.caller(Role::User), app.caller(Role::User), app.caller(Role::Admin));
    known(app, bob.id()).await;
    let task = alice.create(&json!({"title": "x"})).await;
    let mut body = json!({"title": "y", "status": "pending"});
    let reply = admin.put(&path_of(&task), &body).send().await.expect(200);
    assert_eq!(reply.json()["user_id"], alice.id().to_string());
    body["user_id"] = json!(bob.id());
    let reply = admin.put(&path_of(&task), &body).send().await.expect(200);
    assert_eq!(reply.json()["user_id"], bob.id().to_string());
    reply
}

/// An empty body cannot wipe a task.
#[tokio::test]
async fn a_replacement_says_the_title_and_the_status() {
    let app = TestApp::start().await;
    let alice = app.caller(Role::User);
    let task = alice.create(&json!({"title": "x", "description": "kept"})).await;
    for (body, missing) in [
        (json!({}), vec!["#/title", "#/status"]),
        (json!({"title": "y"}), vec!["#/status"]),
        (json!({"status": "pending"}), vec!["#/title"]),
    ] {
        let reply = alice.put(&path_of(&task), &body).send().await;
        let errors = reply.expect_problem("validation-failed").errors();
        let expected: Vec<_> =
            missing.iter().map(|place| ((*place).into(), "required".into())).collect();
        assert_eq!(errors, expected, "{body}");
    }
    assert_eq!(alice.get(&path_of(&task)).send().await.json(), task);
}

#[tokio::test]
async fn only_the_owner_and_administrators_replace() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.caller(Role::User), app.caller(Role::User));
    known(&app, bob.id()).await;
    let task = alice.create(&json!({"title": "x", "assignee_id": bob.id()})).await;
    let body = json!({"title": "x", "status": "completed", "assignee_id": bob.id()});
    let mut owned = body.clone();
    owned["user_id"] = json!(bob.id());
    for (caller, body) in [(&bob, &body), (&bob, &owned), (&alice, &owned)] {
        let reply = caller.put(&path_of(&task), body).send().await.expect_problem("forbidden");
        assert_eq!(reply.json()["required"], "tasks:admin");
    }
    assert_eq!(alice.get(&path_of(&task)).send().await.json(), task);
}

#[tokio::test]
async fn a_replacement_makes_no_task_and_invents_no_user() {
    let app = TestApp::start().await;
    let (admin, ghost) = (app.caller(Role::Admin), app.clock.new_id());
    let task = admin.create(&json!({"title": "x"})).await;
    let before = everything(&app).await;
    let mut body = json!({"title": "y", "status": "pending"});
    let nowhere = format!("/v1/tasks/{ghost}");
    admin.put(&nowhere, &body).send().await.expect_problem("task-not-found");
    for field in ["assignee_id", "user_id"] {
        body[field] = json!(ghost);
        let reply = admin.put(&path_of(&task), &body).send().await;
        let errors = reply.expect_problem("validation-failed").errors();
        assert_eq!(errors, [(format!("#/{field}"), "unknown_user".into())]);
        body[field] = Value::Null;
        body.as_object_mut().expect("an object").remove(field);
    }
    assert_eq!(everything(&app).await, before);
}
