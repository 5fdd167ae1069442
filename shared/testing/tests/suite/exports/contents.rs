//! What is in the file.

use std::collections::BTreeMap;

use domain::Role;
use futures_util::future::join_all;
use serde_json::{Value, json};
use testing::{Caller, TestApp};

use super::{ask, file, make, text};
use crate::support::{delete, id_of};

/// The lines of a file.
fn lines(text: &str) -> Vec<&str> {
    text.lines().collect()
}

/// Every task of the list that the same question asks for, page by page, as the API writes it.
async fn listed(caller: &Caller<'_>, query: &str) -> Vec<Value> {
    let mut tasks = Vec::new();
    let mut address = format!("/v1/tasks?limit=3&{query}");
    loop {
        let page = caller.get(&address).send().await.expect(200).json();
        tasks.extend(page["items"].as_array().expect("items").iter().cloned());
        let Some(cursor) = page["next_cursor"].as_str() else { return tasks };
        address = format!("/v1/tasks?limit=3&{query}&cursor={cursor}");
    }
}

/// Some tasks of different kinds.
async fn some_tasks(caller: &Caller<'_>, assignee: &Caller<'_>) {
    assignee.get("/v1/me").send().await.expect(200);
    for n in 0..8 {
        let status = ["pending", "in_progress", "completed", "rejected"][n % 4];
        let priority = ["low", "normal", "high", "urgent"][n / 2];
        let body = json!({
            "title": format!("task {n}"), "status": status, "priority": priority,
            "description": (n % 3 == 0).then_some("äöü, \"x\"\r\nand Milk"),
            "labels": if n % 2 == 0 { vec!["home", "a,b"] } else { vec![] },
            "due_at": (n % 2 == 1).then(|| format!("20{}-01-01T00:00:00Z", 20 + n * 5)),
            "assignee_id": (n % 4 == 3).then(|| assignee.id()),
        });
        caller.create(&body).await;
    }
}

#[tokio::test]
async fn the_file_holds_what_the_list_of_the_same_question_holds() {
    let app = TestApp::uncached(testing::Setup::default()).await;
    let (alice, bob) = (app.caller(Role::User), app.caller(Role::User));
    let (admin, viewer) = (app.caller(Role::Admin), app.caller(Role::Viewer));
    some_tasks(&alice, &bob).await;
    some_tasks(&bob, &alice).await;
    let gone = alice.create(&json!({"title": "gone"})).await;
    delete(&app, id_of(&gone)).await;

    let of_alice = alice.id().to_string();
    for (caller, scope, filter, query) in [
        (&alice, "owned", json!({}), String::new()),
        (&alice, "assigned", json!({}), String::new()),
        (&bob, "owned", json!({"assignee_id": "none"}), "assignee_id=none".into()),
        (&bob, "assigned", json!({"assignee_id": "me"}), "assignee_id=me".into()),
        (
            &alice,
            "owned",
            json!({"status": ["pending", "rejected"]}),
            "status=pending,rejected".into(),
        ),
        (&alice, "owned", json!({"priority": "low"}), "priority=low".into()),
        (&alice, "owned", json!({"label": ["home", "a,b"]}), "label=home&label=a%2Cb".into()),
        (&alice, "owned", json!({"q": "MILK"}), "q=MILK".into()),
        (&alice, "owned", json!({"overdue": true}), "overdue=true".into()),
        (&alice, "owned", json!({"overdue": false}), "overdue=false".into()),
        (
            &alice,
            "owned",
            json!({"due_after": "2030-01-01T00:00:00Z", "due_before": "2050-01-01T00:00:00Z"}),
            "due_after=2030-01-01T00:00:00Z&due_before=2050-01-01T00:00:00Z".into(),
        ),
        (
            &alice,
            "owned",
            json!({"created_after": "2000-01-01T00:00:00Z", "updated_after": "2000-01-01T00:00:00Z"}),
            "created_after=2000-01-01T00:00:00Z&updated_after=2000-01-01T00:00:00Z".into(),
        ),
        (
            &alice,
            "owned",
            json!({"created_before": "2000-01-01T00:00:00Z"}),
            "created_before=2000-01-01T00:00:00Z".into(),
        ),
        (&viewer, "all", json!({}), String::new()),
        (&viewer, "all", json!({"user_id": of_alice}), format!("user_id={of_alice}")),
        (&admin, "all", json!({"assignee_id": of_alice}), format!("assignee_id={of_alice}")),
        (&admin, "all", json!({"deleted": true}), "deleted=true".into()),
    ] {
        let expected = listed(caller, &format!("scope={scope}&{query}")).await;
        let body = json!({"kind": "tasks", "format": "jsonl", "scope": scope, "filter": filter});
        let text = text(caller, &body).await;
        let found: Vec<Value> =
            lines(&text).iter().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(found, expected, "{scope} {filter}");
        if !query.contains("created_before") {
            assert!(!expected.is_empty(), "{scope} {filter} asks for nothing");
        }
    }
}

#[tokio::test]
async fn a_table_has_the_same_tasks_and_nothing_that_runs() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.caller(Role::User), app.caller(Role::User));
    some_tasks(&alice, &bob).await;
    for title in ["=HYPERLINK(\"http://evil\")", "+1", "-1", "@SUM(A1)"] {
        alice.create(&json!({"title": title, "description": "\t=1", "labels": ["=x"]})).await;
    }
    let tasks = listed(&alice, "").await;
    let text = text(&alice, &json!({"kind": "tasks", "format": "csv"})).await;
    assert!(text.starts_with("id,title,description,status,") && text.ends_with("\r\n"));
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows: Vec<BTreeMap<String, String>> =
        reader.deserialize().collect::<Result<_, _>>().expect("a table");
    assert_eq!(rows.len(), tasks.len());
    let mut harmless = 0;
    for (row, task) in rows.iter().zip(&tasks) {
        for (column, cell) in row {
            assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{column}: {cell:?}");
            let text = match &task[column] {
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                Value::Array(labels) => {
                    labels.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
                }
                other => other.to_string(),
            };
            let told = cell == &text || cell.strip_prefix('\'') == Some(text.as_str());
            assert!(told, "{column}: {cell:?} for {text:?}");
            harmless += usize::from(cell != &text);
        }
    }
    assert_eq!(harmless, 12, "three cells of each of four tasks");
}

#[tokio::test]
async fn a_file_is_saved_under_a_name_and_its_address_is_signed() {
    let app = TestApp::start().await;
    let alice = app.caller(Role::User);
    alice.create(&json!({"title": "t"})).await;
    for (format, media_type) in
        [("csv", "text/csv; charset=utf-8; header=present"), ("jsonl", "application/jsonl")]
    {
        let export = ask(&alice, &json!({"kind": "tasks", "format": format})).await;
        make(&app, &export).await;
        let file = file(&alice, &export).await;
        assert_eq!(file.headers["content-type"], media_type);
        let day = &export["requested_at"].as_str().expect("a time")[..10];
        let disposition = format!("attachment; filename=\"tasks-{day}.{format}\"");
        assert_eq!(file.headers["content-disposition"], disposition);
        let made = super::now(&alice, &export).await;
        assert_eq!((&made["rows"], &made["error"]), (&json!(1), &json!(null)));
    }
}

#[tokio::test]
async fn what_two_ask_for_at_once_is_each_ones_own() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.caller(Role::User), app.caller(Role::User));
    for n in 0..6 {
        alice.create(&json!({"title": format!("of alice {n}")})).await;
        bob.create(&json!({"title": format!("of bob {n}")})).await;
    }
    let both = [(&alice, "of alice"), (&bob, "of bob")];
    let texts = join_all((0..8).map(|n| async move {
        let (caller, words) = both[n % 2];
        (text(caller, &json!({"kind": "tasks", "format": "jsonl"})).await, words)
    }));
    for (text, words) in texts.await {
        assert_eq!(lines(&text).len(), 6);
        assert!(lines(&text).iter().all(|line| line.contains(words)), "{words}");
    }
}

#[tokio::test]
async fn a_report_counts_what_the_list_holds() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.caller(Role::User), app.caller(Role::User));
    some_tasks(&alice, &bob).await;
    some_tasks(&bob, &alice).await;
    for filter in [json!({}), json!({"label": "home"}), json!({"q": "nothing has this"})] {
        let query = match &filter["label"] {
            Value::Null if filter["q"].is_null() => "",
            Value::Null => "q=nothing+has+this",
            _ => "label=home",
        };
        let mut expected: BTreeMap<(String, String), i64> = BTreeMap::new();
        for measure in [("all", ""), ("overdue", "")] {
            expected.insert((measure.0.into(), measure.1.into()), 0);
        }
        for status in ["pending", "in_progress", "completed", "rejected"] {
            expected.insert(("status".into(), status.into()), 0);
        }
        for priority in ["low", "normal", "high", "urgent"] {
            expected.insert(("priority".into(), priority.into()), 0);
        }
        let mut count = |measure: &str, value: &str| {
            *expected.entry((measure.into(), value.into())).or_default() += 1;
        };
        for task in listed(&alice, query).await {
            let word = |field: &str| task[field].as_str().unwrap_or_default().to_owned();
            count("all", "");
            count("status", &word("status"));
            count("priority", &word("priority"));
            count("created", &word("created_at")[..10]);
            if !task["completed_at"].is_null() {
                count("completed", &word("completed_at")[..10]);
            }
            let open = ["pending", "in_progress"].contains(&word("status").as_str());
            if open && !word("due_at").is_empty() && word("due_at") < word("created_at") {
                count("overdue", "");
            }
        }
        for format in ["csv", "jsonl"] {
            let body = json!({"kind": "report", "format": format, "filter": filter});
            let text = text(&alice, &body).await;
            let found: BTreeMap<(String, String), i64> = if format == "csv" {
                let mut reader = csv::Reader::from_reader(text.as_bytes());
                let rows = reader.deserialize::<(String, String, i64)>();
                rows.map(|row| row.expect("a row")).map(|(m, v, n)| ((m, v), n)).collect()
            } else {
                let of = |line: &str| {
                    let line: Value = serde_json::from_str(line).expect("JSON");
                    let word = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
                    ((word("measure"), word("value")), line["tasks"].as_i64().expect("a number"))
                };
                text.lines().map(of).collect()
            };
            assert_eq!(found, expected, "{format} {filter}");
        }
    }
}
