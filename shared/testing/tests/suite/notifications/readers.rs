//! Each event is told to the right people, in the right words.

use domain::event::Kind;
use serde_json::json;
use testing::lines_of;

use super::house::{House, headers, mails, task_for, text};
use crate::support::{id_of, path_of};

#[tokio::test]
async fn each_event_is_told_to_those_whom_it_concerns() {
    let house = House::open().await;
    let (ann, bob, cleo) =
        (house.person("ann").await, house.person("bob").await, house.person("cleo").await);
    let admin = house.admin().await;

    let task = ann.create(&task_for(&bob)).await;
    house.must_tell(&house.last(&task).await).await;
    let created = "New Task Created | Review and Take Action";
    assert_eq!(house.arrived(), mails(&[("ann", created), ("bob", created)]));

    house.change(&bob, &task, &json!({"status": "in_progress"})).await;
    let begun = "Task Plan: pending → in progress";
    assert_eq!(house.arrived(), mails(&[("ann", begun), ("bob", begun)]));

    house.change(&bob, &task, &json!({"status": "completed"})).await;
    let done = "Task completed: Plan";
    assert_eq!(house.arrived(), mails(&[("ann", done), ("bob", done)]));

    house.change(&ann, &task, &json!({"assignee_id": cleo.id()})).await;
    let handed_on =
        [("bob", "You are no longer assigned: Plan"), ("cleo", "You were assigned: Plan")];
    assert_eq!(house.arrived(), mails(&handed_on));

    house.change(&ann, &task, &json!({"assignee_id": null})).await;
    assert_eq!(house.arrived(), mails(&[("cleo", "You are no longer assigned: Plan")]));

    // What goes to no queue of mails makes none, if it comes all the same.
    house.change(&ann, &task, &json!({"title": "Another", "labels": ["x"]})).await;
    admin.delete(&path_of(&task)).send().await.expect(204);
    house.must_tell(&house.last(&task).await).await;
    admin.post(&format!("{}/restore", path_of(&task)), &json!({})).send().await.expect(200);
    house.must_tell(&house.last(&task).await).await;
    assert_eq!(house.arrived(), []);
}

#[tokio::test]
async fn a_change_that_says_two_things_tells_each_what_concerns_them() {
    let house = House::open().await;
    let (ann, bob, cleo) =
        (house.person("ann").await, house.person("bob").await, house.person("cleo").await);
    let task = ann.create(&task_for(&bob)).await;
    let patch = json!({"status": "completed", "assignee_id": cleo.id()});
    let event = house.changed(&ann, &task, &patch).await;
    assert_eq!(event.event, Kind::TaskCompleted);
    house.must_tell(&event).await;
    for mail in house.mailbox.mails() {
        // Who has the task no longer does not learn how it goes on.
        let has_it = !mail.subject.starts_with("You are no longer");
        assert_eq!(text(&mail).contains("Status:   completed"), has_it, "{}", text(&mail));
    }
    let expected = [
        ("ann", "Task completed: Plan"),
        ("bob", "You are no longer assigned: Plan"),
        ("cleo", "You were assigned: Plan"),
    ];
    assert_eq!(house.arrived(), mails(&expected));
}

#[tokio::test]
async fn who_owns_what_they_are_assigned_gets_one_mail() {
    let house = House::open().await;
    let ann = house.person("ann").await;
    let task = ann.create(&task_for(&ann)).await;
    house.must_tell(&house.last(&task).await).await;
    let created = "New Task Created | Review and Take Action";
    assert_eq!(house.arrived(), mails(&[("ann", created)]));
    house.change(&ann, &task, &json!({"assignee_id": null, "status": "in_progress"})).await;
    assert_eq!(house.arrived(), mails(&[("ann", "Task Plan: pending → in progress")]));
    house.change(&ann, &task, &json!({"assignee_id": ann.id(), "status": "completed"})).await;
    assert_eq!(house.arrived(), mails(&[("ann", "Task completed: Plan")]));
    house.change(&ann, &task, &json!({"assignee_id": null})).await;
    assert_eq!(house.arrived(), [], "they own it still: there is nothing to take leave of");
    house.change(&ann, &task, &json!({"assignee_id": ann.id()})).await;
    assert_eq!(house.arrived(), mails(&[("ann", "You were assigned: Plan")]));
}

#[tokio::test]
async fn a_mail_says_what_happened_in_the_readers_time() {
    let house = House::open().await;
    let (ann, bob) = (house.person("ann").await, house.person("bob").await);
    bob.patch("/v1/me", &json!({"time_zone": "Asia/Tokyo"})).send().await.expect(200);
    let mut body = task_for(&bob);
    body["due_at"] = json!("2030-01-31T16:30:00Z");
    let reply = ann.post("/v1/tasks", &body).header("x-request-id", "of-a-mail").send().await;
    let task = reply.expect(201).json();
    let event = house.last(&task).await;
    house.must_tell(&event).await;
    let mails = house.mailbox.mails();
    let to = |name: &str| mails.iter().find(|mail| mail.to[0].starts_with(name)).expect("a mail");

    let (to_ann, to_bob) = (text(to("ann")), text(to("bob")));
    assert!(to_bob.starts_with("Hello bob Tester,\n\nann Tester created a new task."), "{to_bob}");
    assert!(to_ann.contains("You created a new task."), "{to_ann}");
    assert!(to_ann.contains("Due:      31 Jan 2030, 16:30 (UTC)\n"), "{to_ann}");
    assert!(to_bob.contains("Due:      1 Feb 2030, 01:30 (Asia/Tokyo)\n"), "{to_bob}");
    assert!(to_bob.contains("Task:     Plan\nStatus:   pending\nPriority: high\n"), "{to_bob}");
    let link = format!("\nhttps://api.example.com{}\n", path_of(&task));
    assert!(to_bob.contains(&link), "{to_bob}");

    for (name, value) in [
        ("X-Request-Id", "of-a-mail".to_owned()),
        ("X-Event-Id", event.id.to_string()),
        ("Auto-Submitted", "auto-generated".to_owned()),
        ("List-Unsubscribe", "<https://api.example.com/v1/me>".to_owned()),
        ("Message-ID", format!("<{}.{}@example.com>", event.id, bob.id())),
    ] {
        assert_eq!(headers(to("bob"), name), [value], "{name}");
    }

    // The lines say what was done, and name neither people nor tasks.
    let lines = lines_of("of-a-mail");
    let sent = lines.iter().filter(|l| l["outcome"] == "sent" && l["template"] == "task_created");
    assert_eq!(sent.count(), 2, "{lines:?}");
    let lines = format!("{lines:?}");
    assert!(!lines.contains("Plan") && !lines.contains("@example"), "{lines}");
}

/// A zone that Postgres does not know: one of a later edition of the table.
#[tokio::test]
async fn a_strange_time_zone_keeps_no_mail_back() {
    let house = House::open().await;
    let ann = house.person("ann").await;
    house.app.db.run("UPDATE app.users SET time_zone = 'Mars/Olympus'").await;
    let task = ann.create(&json!({"title": "x", "due_at": "2030-01-31T16:30:00Z"})).await;
    house.must_tell(&house.last(&task).await).await;
    let told = text(&house.only());
    assert!(told.contains("31 Jan 2030, 16:30 (UTC)"), "{told}");
}

#[tokio::test]
async fn who_lost_a_task_does_not_learn_its_new_name() {
    let house = House::open().await;
    let (ann, bob) = (house.person("ann").await, house.person("bob").await);
    let task = ann.create(&task_for(&bob)).await;
    house.change(&ann, &task, &json!({"assignee_id": null, "title": "Fire bob"})).await;
    assert_eq!(house.arrived(), mails(&[("bob", "You are no longer assigned: Plan")]));
}

#[tokio::test]
async fn exports_are_told_to_whoever_asked_for_them() {
    let house = House::open().await;
    let ann = house.person("ann").await;
    for (succeeds, subject) in [(true, "Your export is ready"), (false, "Your export failed")] {
        let body = json!({"kind": "tasks", "format": "csv"});
        let export = ann.post("/v1/exports", &body).send().await.expect(202).json();
        let asked = house.last(&export).await;
        if succeeds {
            assert!(house.app.work("exports-worker", &[asked]).await.is_empty());
        } else {
            let sql = "UPDATE app.users SET active = false WHERE id = $1 RETURNING 1";
            house.app.db.rows(sql, &[&ann.id()]).await;
            assert!(house.app.work("exports-worker", &[asked]).await.is_empty());
            house.app.db.run("UPDATE app.users SET active = true").await;
        }
        house.must_tell(&house.last(&export).await).await;
        let told = text(&house.only());
        let link = format!("https://api.example.com/v1/exports/{}\n", id_of(&export));
        assert!(told.contains(&link), "{told}");
        assert_eq!(told.contains("It can be had until "), succeeds, "{told}");
        assert_eq!(house.arrived(), mails(&[("ann", subject)]));
    }
}
