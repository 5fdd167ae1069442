//! What the tests of document 003 check of its tasks, at the root as the document has it and under `/v1`,
//! with an administrator's token. Its answers are a part of ours.

use domain::Role;
use serde_json::{Value, json};
use testing::{Caller, TestApp};

/// The addresses of the document, and ours.
const BASES: [&str; 2] = ["", "/v1"];

/// Holds an answer to the document's example: its fields are there, with values of the same kind.
#[track_caller]
fn has_the_form_of(answer: &Value, example: &Value) {
    match example {
        Value::Object(members) => {
            for (name, inside) in members {
                let given = answer.get(name).unwrap_or_else(|| panic!("no {name} in {answer}"));
                has_the_form_of(given, inside);
            }
        }
        Value::Array(items) => {
            let given = answer.as_array().unwrap_or_else(|| panic!("not a list: {answer}"));
            assert!(!given.is_empty(), "an empty list shows no form");
            for item in given {
                has_the_form_of(item, &items[0]);
            }
        }
        Value::String(_) => assert!(answer.is_string(), "not a text: {answer}"),
        other => assert_eq!(answer, other),
    }
}

/// The parts of an answer that the document knows.
#[track_caller]
fn includes(answer: &Value, part: &Value) {
    for (name, value) in part.as_object().expect("an object") {
        assert_eq!(&answer[name], value, "{name} in {answer}");
    }
}

fn sent() -> Value {
    json!({"title": "my_new_task1", "description": "sdfsg", "status": "pending"})
}

/// `POST /tasks`, as the document sends it.
async fn created(admin: &Caller<'_>, base: &str) -> Value {
    let reply = admin.post(&format!("{base}/tasks"), &sent()).send().await.expect(201);
    assert_eq!(reply.header("content-type"), Some("application/json"));
    reply.json()
}

#[tokio::test]
async fn a_task_is_created() {
    let app = TestApp::start().await;
    let admin = app.caller(Role::Admin);
    for base in BASES {
        let task = created(&admin, base).await;
        includes(&task, &sent());
        assert!(task["id"].as_str().is_some_and(|id| !id.is_empty()));
    }
}

#[tokio::test]
async fn tasks_are_listed_by_page() {
    let app = TestApp::start().await;
    for base in BASES {
        let admin = app.caller(Role::Admin);
        let task = created(&admin, base).await;
        for query in ["", "?page=1&page_size=10"] {
            let page = admin.get(&format!("{base}/tasks{query}")).send().await.expect(200).json();
            let example = json!({
                "total": 1, "page": 1, "page_size": 10,
                "items": [{
                    "id": "…", "title": "my_new_task1", "description": "sdfsg", "status": "pending",
                }],
            });
            has_the_form_of(&page, &example);
            includes(&page["items"][0], &sent());
            assert_eq!(page["items"][0]["id"], task["id"]);
        }
    }
}

#[tokio::test]
async fn a_task_is_shown() {
    let app = TestApp::start().await;
    let admin = app.caller(Role::Admin);
    for base in BASES {
        let task = created(&admin, base).await;
        let id = task["id"].as_str().expect("an id");
        let shown = admin.get(&format!("{base}/tasks/{id}")).send().await.expect(200).json();
        includes(&shown, &sent());
        assert_eq!(shown["id"], id);
    }
}

#[tokio::test]
async fn a_task_is_updated() {
    let app = TestApp::start().await;
    let admin = app.caller(Role::Admin);
    for base in BASES {
        let task = created(&admin, base).await;
        let address = format!("{base}/tasks/{}", task["id"].as_str().expect("an id"));
        let patch = json!({"title": "updated title", "status": "completed"});
        let updated = admin.patch(&address, &patch).send().await.expect(200).json();
        includes(&updated, &patch);
        includes(&updated, &json!({"id": task["id"], "description": "sdfsg"}));
        assert_eq!(admin.get(&address).send().await.expect(200).json(), updated);
    }
}

#[tokio::test]
async fn a_deleted_task_is_not_found() {
    let app = TestApp::start().await;
    let admin = app.caller(Role::Admin);
    for base in BASES {
        let task = created(&admin, base).await;
        let address = format!("{base}/tasks/{}", task["id"].as_str().expect("an id"));
        assert_eq!(admin.delete(&address).send().await.expect(204).text(), "");
        let patch = json!({"title": "x"});
        for call in [admin.get(&address), admin.patch(&address, &patch), admin.delete(&address)] {
            assert_eq!(call.send().await.expect(404).json()["detail"], "Task not found");
        }
    }
}

/// Who may call what, in the document's table: a user does everything but delete.
#[tokio::test]
async fn a_user_does_all_but_delete() {
    let app = TestApp::start().await;
    let user = app.caller(Role::User);
    for base in BASES {
        let task = created(&user, base).await;
        let address = format!("{base}/tasks/{}", task["id"].as_str().expect("an id"));
        user.get(&format!("{base}/tasks")).send().await.expect(200);
        user.get(&address).send().await.expect(200);
        user.patch(&address, &json!({"title": "x", "status": "completed"}))
            .send()
            .await
            .expect(200);
        user.delete(&address).send().await.expect(403);
        user.get(&address).send().await.expect(200);
    }
}
