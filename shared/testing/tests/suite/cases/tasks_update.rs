//! `PATCH /v1/tasks/{id}`.

use domain::Role;
use domain::event::Kind;
use serde_json::{Value, json};
use testing::{Caller, Reply, TestApp};

use super::{Named, RouteCases, case};
use crate::support::{events_of, id_of, known, path_of};

pub(crate) const ROUTE: RouteCases = RouteCases {
    route: "tasks-update",
    request: |caller, address| caller.patch(address, &json!({"status": "completed"})),
    names: Named::Task,
    own: &[
        case!("200", changed),
        case!("200", cleared),
        case!("200", unchanged),
        case!("200", completed_and_taken_up_again),
        case!("200", by_the_assignee),
        case!("200", given_to_another_owner),
    ],
};

/// Somebody whom a task can be given to.
async fn somebody(app: &TestApp) -> Caller<'_> {
    let somebody = app.caller(Role::User);
    known(app, somebody.id()).await;
    somebody
}

/// A task with a value in each of its fields.
async fn full_task(app: &TestApp, owner: &Caller<'_>) -> Value {
    let body = json!({
        "title": "water the plants", "description": "all of them", "status": "in_progress",
        "priority": "high", "due_at": "2026-12-01T09:00:00.000Z", "labels": ["home", "garden"],
        "assignee_id": somebody(app).await.id(),
    });
    owner.create(&body).await
}

/// One field after the other: the rest stays as it was, and each change has its one event.
async fn changed(app: &TestApp) -> Reply {
    let alice = app.caller(Role::User);
    let bob = somebody(app).await.id().to_string();
    let mut task = full_task(app, &alice).await;
    let mut last = None;
    for (field, sent, shown, event) in [
        ("title", json!(" feed the cat "), json!("feed the cat"), Kind::TaskUpdated),
        ("description", json!(""), json!(""), Kind::TaskUpdated),
        ("status", json!("pending"), json!("pending"), Kind::TaskStatusChanged),
        ("status", json!("in-progress"), json!("in_progress"), Kind::TaskStatusChanged),
        ("status", json!("rejected"), json!("rejected"), Kind::TaskStatusChanged),
        ("priority", json!("urgent"), json!("urgent"), Kind::TaskUpdated),
        (
            "due_at",
            json!("2027-01-01T00:00:00.0009+01:00"),
            json!("2026-12-31T23:00:00.000Z"),
            Kind::TaskUpdated,
        ),
        ("labels", json!(["b", " a ", "b"]), json!(["b", "a"]), Kind::TaskUpdated),
        ("assignee_id", json!(bob), json!(bob), Kind::TaskAssigned),
    ] {
        let reply = alice.patch(&path_of(&task), &json!({field: sent})).send().await.expect(200);
        let version = task["version"].as_i64().expect("a version") + 1;
        let answer = reply.json();
        assert!(answer["updated_at"].as_str() >= task["updated_at"].as_str(), "{answer}");
        task[field] = shown;
        task["version"] = version.into();
        task["updated_at"] = answer["updated_at"].clone();
        assert_eq!(answer, task, "{field}");
        assert_eq!(reply.header("etag"), Some(format!("\"{version}\"").as_str()));
        let events = events_of(app, id_of(&task)).await;
        let told = events.last().expect("an event");
        assert_eq!(
            (told.version, told.event, told.changed.as_slice()),
            (version, event, &[field.to_owned()][..])
        );
        last = Some(reply);
    }
    let reply = last.expect("a reply");
    let shown = alice.get(&path_of(&task)).send().await.expect(200);
    assert_eq!(shown.text(), reply.text(), "what was answered is what is there");
    reply
}

/// Null clears what can be empty.
async fn cleared(app: &TestApp) -> Reply {
    let alice = app.caller(Role::User);
    let task = full_task(app, &alice).await;
    let nulls = json!({"description": null, "due_at": null, "assignee_id": null});
    let reply = alice.patch(&path_of(&task), &nulls).send().await.expect(200);
    let answer = reply.json();
    for field in ["description", "due_at", "assignee_id"] {
        assert!(answer.get(field).is_some_and(Value::is_null), "{field}: {answer}");
    }
    for field in ["title", "status", "priority", "labels"] {
        assert_eq!(answer[field], task[field], "{field}");
    }
    reply
}

/// The same values in other words are no change.
async fn unchanged(app: &TestApp) -> Reply {
    let alice = app.caller(Role::User);
    let task = full_task(app, &alice).await;
    let before = alice.get(&path_of(&task)).send().await;
    let same = json!({
        "title": " water the plants", "description": "all of them", "status": "in-progress",
        "priority": "high", "due_at": "2026-12-01T10:00:00+01:00",
        "labels": ["home", " garden ", "home"], "assignee_id": task["assignee_id"],
    });
    let call = alice.patch(&path_of(&task), &same).header("if-match", "\"1\"");
    let reply = call.send().await.expect(200);
    assert_eq!(reply.text(), before.text());
    assert_eq!(reply.header("etag"), Some("\"1\""));
    assert_eq!(events_of(app, id_of(&task)).await.len(), 1);
    reply
}

async fn completed_and_taken_up_again(app: &TestApp) -> Reply {
    let alice = app.caller(Role::User);
    let task = alice.create(&json!({"title": "x"})).await;
    let patch = async |body: Value| {
        let reply = alice.patch(&path_of(&task), &body).send().await.expect(200);
        (reply.json(), reply)
    };
    let (done, _) = patch(json!({"status": "completed", "title": "y"})).await;
    assert_eq!(done["completed_at"], done["updated_at"]);
    let told = events_of(app, id_of(&task)).await.pop().expect("an event");
    assert_eq!(told.event, Kind::TaskCompleted);
    assert_eq!(told.changed, ["title", "status", "completed_at"]);

    let (renamed, _) = patch(json!({"title": "z"})).await;
    assert_eq!(renamed["completed_at"], done["completed_at"], "it was completed when it was");
    let (open, reply) = patch(json!({"status": "pending"})).await;
    assert_eq!(open["completed_at"], Value::Null);
    reply
}

async fn by_the_assignee(app: &TestApp) -> Reply {
    let (alice, bob) = (app.caller(Role::User), somebody(app).await);
    let task = alice.create(&json!({"title": "x", "assignee_id": bob.id()})).await;
    let reply = bob.patch(&path_of(&task), &json!({"status": "rejected"})).send().await.expect(200);
    assert_eq!(reply.json()["status"], "rejected");
    let told = events_of(app, id_of(&task)).await.pop().expect("an event");
    assert_eq!((told.user_id, told.owner_id), (Some(bob.id()), Some(alice.id())));
    reply
}

/// An administrator makes somebody else the owner: the task is theirs then, and nobody else's.
async fn given_to_another_owner(app: &TestApp) -> Reply {
    let (alice, bob, admin) =
        (app.caller(Role::User), somebody(app).await, app.caller(Role::Admin));
    let task = alice.create(&json!({"title": "x"})).await;
    let body = json!({"user_id": bob.id()});
    let reply = admin.patch(&path_of(&task), &body).send().await.expect(200);
    assert_eq!(reply.json()["user_id"], bob.id().to_string());
    alice.get(&path_of(&task)).send().await.expect_problem("task-not-found");
    assert_eq!(bob.get(&path_of(&task)).send().await.expect(200).text(), reply.text());
    let told = events_of(app, id_of(&task)).await.pop().expect("an event");
    assert_eq!((told.event, told.owner_id), (Kind::TaskUpdated, Some(bob.id())));
    reply
}

#[tokio::test]
async fn an_assignee_sets_the_status_and_nothing_else() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.caller(Role::User), somebody(&app).await);
    let task = alice.create(&json!({"title": "x", "assignee_id": bob.id()})).await;
    for body in [
        json!({"title": "y"}),
        json!({"description": "y"}),
        json!({"priority": "low"}),
        json!({"due_at": "2026-12-01T09:00:00Z"}),
        json!({"labels": ["y"]}),
        json!({"assignee_id": null}),
        json!({"user_id": bob.id()}),
        json!({"status": "completed", "title": "y"}),
    ] {
        let reply = bob.patch(&path_of(&task), &body).send().await.expect_problem("forbidden");
        assert_eq!(reply.json()["required"], "tasks:admin", "{body}");
    }
    assert_eq!(alice.get(&path_of(&task)).send().await.json(), task);
}

#[tokio::test]
async fn an_owner_gives_the_work_away_but_not_the_task() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.caller(Role::User), somebody(&app).await);
    let task = alice.create(&json!({"title": "x"})).await;
    let body = json!({"user_id": bob.id(), "title": "y"});
    let reply = alice.patch(&path_of(&task), &body).send().await.expect_problem("forbidden");
    assert_eq!(reply.json()["required"], "tasks:admin");
    assert_eq!(alice.get(&path_of(&task)).send().await.json(), task);
    let body = json!({"assignee_id": bob.id()});
    alice.patch(&path_of(&task), &body).send().await.expect(200);
    bob.get(&path_of(&task)).send().await.expect(200);
}

/// Who is unknown, and who is deactivated, can have nothing.
#[tokio::test]
async fn a_task_is_given_to_people_who_can_work_on_it() {
    let app = TestApp::start().await;
    let (ghost, gone) = (app.clock.new_id(), somebody(&app).await.id());
    app.db.rows("UPDATE app.users SET active = false WHERE id = $1", &[&gone]).await;
    let (alice, admin) = (app.caller(Role::User), app.caller(Role::Admin));
    let task = alice.create(&json!({"title": "x"})).await;
    for somebody in [ghost, gone] {
        for (caller, field) in [(&alice, "assignee_id"), (&admin, "user_id")] {
            let body = json!({field: somebody, "status": "completed"});
            let reply = caller.patch(&path_of(&task), &body).send().await;
            let reply = reply.expect_problem("validation-failed");
            assert_eq!(reply.errors(), [(format!("#/{field}"), "unknown_user".into())]);
        }
    }
    assert_eq!(alice.get(&path_of(&task)).send().await.json(), task);
}
