//! What a user sees of it: each step over the API, then the mails, the history and the statistics.

use std::collections::BTreeSet;

use domain::Role;
use serde_json::{Value, json};
use testing::Scene;

use super::world::World;
use crate::support::{id_of, path_of};

#[tokio::test]
async fn one_request_id_is_in_the_answer_the_logs_the_history_and_the_mail() {
    let world = World::open(Scene::default()).await;
    let (alice, bob) = (world.somebody(Role::User).await, world.somebody(Role::User).await);
    let admin = world.somebody(Role::Admin).await;
    let bob_id = bob.get("/v1/me").send().await.json()["id"].clone();
    let send = async |call: testing::Call<'_>, id: &str, status: u16| {
        let reply = call.header("x-request-id", id).send().await.expect(status);
        assert_eq!(reply.header("x-request-id"), Some(id));
        reply
    };
    let task =
        send(alice.post("/v1/tasks", &json!({"title": "Write it"})), "of-create", 201).await.json();
    let path = path_of(&task);
    send(alice.patch(&path, &json!({"assignee_id": bob_id})), "of-assign", 200).await;
    send(bob.patch(&path, &json!({"status": "completed"})), "of-complete", 200).await;
    world.stage.settled(&world.app).await;

    let steps = [
        ("of-create", "task.created", vec!["New Task Created | Review and Take Action"]),
        ("of-assign", "task.assigned", vec!["You were assigned: Write it"]),
        ("of-complete", "task.completed", vec!["Task completed: Write it"; 2]),
    ];
    let history = alice.get(&format!("{path}/history")).send().await.expect(200).json();
    let entries = history["items"].as_array().expect("entries");
    assert_eq!(entries.len(), 3, "newest first");
    let lines = world.stage.lines();
    for ((request, event, subjects), entry) in steps.iter().zip(entries.iter().rev()) {
        assert_eq!((&entry["event"], &entry["request_id"]), (&json!(event), &json!(request)));
        for worker in ["audit-worker", "notifications-worker"] {
            let told = |line: &&Value| {
                let ids = line["request_id"].as_str().unwrap_or_default();
                line["function"] == *worker && ids.split(' ').any(|id| id == *request)
            };
            assert!(lines.iter().any(|line| told(&line)), "{worker} logs {request}");
        }
        let header = format!("X-Request-Id: {request}");
        let mails = world.mails.mails();
        let ours = mails.iter().filter(|mail| {
            String::from_utf8_lossy(&mail.raw)
                .lines()
                .any(|line| line.eq_ignore_ascii_case(&header))
        });
        let mut found: Vec<_> = ours.map(|mail| mail.subject.clone()).collect();
        found.sort();
        assert_eq!(&found, subjects, "{request}");
    }
    let stats = alice.get("/v1/stats").send().await.expect(200).json();
    assert_eq!(stats["by_status"]["completed"], 1);
    let today = stats["daily"].as_array().and_then(|days| days.last()).expect("a day");
    assert_eq!((&today["created"], &today["completed"]), (&json!(1), &json!(1)));

    send(admin.delete(&path), "of-delete", 204).await;
    world.stage.settled(&world.app).await;
    let path = format!("/v1/audit-events?task_id={}", id_of(&task));
    let audit = admin.get(&path).send().await.expect(200).json();
    assert_eq!(audit["items"][0]["request_id"], "of-delete");
    assert_eq!(audit["items"].as_array().map(Vec::len), Some(4), "each once");
    assert_eq!(
        world.mails.mails().len(),
        4,
        "nobody is told of a deletion, and nobody anything twice"
    );
    let twice =
        world.app.db.rows("SELECT 1 FROM app.audit GROUP BY id HAVING count(*) > 1", &[]).await;
    assert!(twice.is_empty());
}

/// Nobody works behind the API, and nothing is lost.
#[tokio::test]
async fn a_thousand_creates_are_answered_without_workers_and_drain_afterwards() {
    const TASKS: usize = 1000;
    let world = World::open(Scene::default()).await;
    let alice = world.somebody(Role::User).await;
    world.stage.pause().await;
    let title = json!({"title": "one of many"});
    for _ in 0..TASKS / 20 {
        let calls = (0..20).map(|_| alice.create(&title));
        futures_util::future::join_all(calls).await;
    }
    assert_eq!(world.app.db.count("SELECT count(*) FROM app.tasks", &[]).await, 1000);
    world.stage.go_on();
    world.stage.settled(&world.app).await;
    world.judged("a thousand creates without workers", &BTreeSet::new()).await;
}
