//! What holds at the moment of sending has a veto: wishes, accounts, and whose task it is.

use domain::mail::Template;
use serde_json::{Value, json};

use super::house::{House, mails, task_for};
use crate::support::path_of;

const CREATED: &str = "New Task Created | Review and Take Action";

fn silent(occasion: &str, wanted: bool) -> Value {
    json!({"notifications": {"events": {occasion: wanted}}})
}

#[tokio::test]
async fn each_mail_can_be_declined() {
    let house = House::open().await;
    let (ann, bob) = (house.person("ann").await, house.person("bob").await);
    let task = ann.create(&task_for(&bob)).await;
    let mut version = house.last(&task).await;
    // Bob is told of each but for what he does not want; ann gets the same mails all the time.
    for (template, patch) in [
        (Template::TaskCreated, None),
        (Template::TaskStatusChanged, Some(json!({"status": "in_progress"}))),
        (Template::TaskCompleted, Some(json!({"status": "completed"}))),
        (Template::TaskUnassigned, Some(json!({"assignee_id": null}))),
        (Template::TaskAssigned, Some(json!({"assignee_id": bob.id()}))),
    ] {
        if let Some(patch) = patch {
            version = house.changed(&ann, &task, &patch).await;
        }
        let occasion = template.occasion().name();
        bob.patch("/v1/me", &silent(occasion, false)).send().await.expect(200);
        house.must_tell(&version).await;
        let to: Vec<_> = house.arrived().into_iter().map(|(to, _)| to).collect();
        assert!(!to.contains(&"bob".to_owned()), "{occasion}: {to:?}");
        let (state, why, _) = house.delivery(&version, bob.id()).await;
        assert_eq!((state.as_str(), why.as_str()), ("skipped", "unwanted"), "{occasion}");
        bob.patch("/v1/me", &silent(occasion, true)).send().await.expect(200);
    }
}

#[tokio::test]
async fn what_one_does_oneself_can_be_declined_and_all_of_it() {
    let house = House::open().await;
    let (ann, bob) = (house.person("ann").await, house.person("bob").await);
    let wish = json!({"notifications": {"own_actions": false}});
    ann.patch("/v1/me", &wish).send().await.expect(200);
    let task = ann.create(&task_for(&bob)).await;
    house.must_tell(&house.last(&task).await).await;
    assert_eq!(house.arrived(), mails(&[("bob", CREATED)]));
    house.change(&bob, &task, &json!({"status": "completed"})).await;
    let done = "Task completed: Plan";
    assert_eq!(house.arrived(), mails(&[("ann", done), ("bob", done)]));
    let wish = json!({"notifications": {"email": false}});
    bob.patch("/v1/me", &wish).send().await.expect(200);
    house.change(&bob, &task, &json!({"status": "pending"})).await;
    assert_eq!(house.arrived(), mails(&[("ann", "Task Plan: completed → pending")]));
}

#[tokio::test]
async fn accounts_that_cannot_get_mails_get_none() {
    let house = House::open().await;
    let (ann, bob) = (house.person("ann").await, house.person("bob").await);
    let admin = house.admin().await;
    for (sql, why) in [
        ("UPDATE app.users SET email = NULL WHERE id = $1 RETURNING 1", "no-address"),
        ("UPDATE app.users SET email = '' WHERE id = $1 RETURNING 1", "no-address"),
        ("DELETE FROM app.users WHERE id = $1 RETURNING 1", "unknown-user"),
    ] {
        bob.get("/v1/me").send().await.expect(200);
        let task = ann.create(&task_for(&bob)).await;
        let event = house.last(&task).await;
        house.app.db.rows(sql, &[&bob.id()]).await;
        house.must_tell(&event).await;
        assert_eq!(house.arrived(), mails(&[("ann", CREATED)]), "{why}");
        assert_eq!(house.delivery(&event, bob.id()).await, ("skipped".into(), why.into(), 1));
        house.app.db.rows("DELETE FROM app.users WHERE id = $1 RETURNING 1", &[&bob.id()]).await;
        house.app.restart();
    }
    bob.get("/v1/me").send().await.expect(200);
    let task = ann.create(&task_for(&bob)).await;
    let user = format!("/v1/users/{}", bob.id());
    admin.patch(&user, &json!({"active": false})).send().await.expect(200);
    let event = house.last(&task).await;
    house.must_tell(&event).await;
    assert_eq!(house.arrived(), mails(&[("ann", CREATED)]));
    assert_eq!(house.delivery(&event, bob.id()).await.1, "inactive");
}

#[tokio::test]
async fn who_lost_the_task_meanwhile_is_told_nothing_of_it() {
    let house = House::open().await;
    let (ann, bob, cleo) =
        (house.person("ann").await, house.person("bob").await, house.person("cleo").await);
    let admin = house.admin().await;
    let task = ann.create(&task_for(&bob)).await;
    let created = house.last(&task).await;
    let assigned = house.changed(&ann, &task, &json!({"assignee_id": cleo.id()})).await;
    house.changed(&ann, &task, &json!({"assignee_id": bob.id()})).await;
    house.must_tell(&assigned).await;
    assert_eq!(house.arrived(), [], "cleo has it no more, and bob has it again");
    assert_eq!(house.delivery(&assigned, cleo.id()).await.1, "not-theirs");
    assert_eq!(house.delivery(&assigned, bob.id()).await.1, "still-theirs");

    house.changed(&ann, &task, &json!({"assignee_id": null})).await;
    admin.patch(&path_of(&task), &json!({"user_id": cleo.id()})).send().await.expect(200);
    house.must_tell(&created).await;
    assert_eq!(house.arrived(), [], "neither ann nor bob has to do with it now");
    assert_eq!(house.delivery(&created, ann.id()).await.1, "not-theirs");

    let done = house.changed(&cleo, &task, &json!({"status": "completed"})).await;
    admin.delete(&path_of(&task)).send().await.expect(204);
    house.must_tell(&done).await;
    assert_eq!(house.arrived(), []);
    assert_eq!(house.delivery(&done, cleo.id()).await.1, "in-trash");
}

#[tokio::test]
async fn what_is_long_ago_is_told_to_nobody() {
    let house = House::open().await;
    let ann = house.person("ann").await;
    let task = ann.create(&json!({"title": "x"})).await;
    let mut event = house.last(&task).await;
    event.id = "01900000-0000-7000-8000-000000000000".parse().unwrap();
    house.must_tell(&event).await;
    assert_eq!(house.arrived(), []);
}
