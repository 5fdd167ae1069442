//! Bad input of any kind gets an answer that names the place, and harms nothing that comes after.

mod queries;

use domain::Role;
use serde_json::{Value, json};
use testing::{Call, Caller, TestApp};

use crate::support::path_of;

/// Sends something bad, and then something good.
async fn refused(caller: &Caller<'_>, call: Call<'_>, code: &str) -> Vec<(String, String)> {
    let reply = call.send().await.expect_problem(code);
    assert!((400..500).contains(&reply.status()), "{}", reply.status());
    caller.create(&json!({"title": "the next one"})).await;
    reply.errors()
}

#[tokio::test]
async fn bad_fields_are_named_by_their_pointers() {
    let app = TestApp::start().await;
    let alice = app.caller(Role::User);
    let long = "x".repeat(256);
    let very_long = "x".repeat(10_001);
    let labels: Vec<_> = (0..21).map(|n| n.to_string()).collect();
    let cases: Vec<(Value, &str, &str)> = vec![
        (json!({}), "#/title", "required"),
        (json!({"title": null}), "#/title", "wrong_type"),
        (json!({"title": 7}), "#/title", "wrong_type"),
        (json!({"title": ["x"]}), "#/title", "wrong_type"),
        (json!({"title": {"x": 1}}), "#/title", "wrong_type"),
        (json!({"title": "  \n "}), "#/title", "too_short"),
        (json!({"title": long}), "#/title", "too_long"),
        (json!({"title": "a\u{0}b"}), "#/title", "invalid_character"),
        (json!({"title": "x", "description": 1}), "#/description", "wrong_type"),
        (json!({"title": "x", "description": very_long}), "#/description", "too_long"),
        (json!({"title": "x", "description": "\u{0}"}), "#/description", "invalid_character"),
        (json!({"title": "x", "status": "done"}), "#/status", "invalid_value"),
        (json!({"title": "x", "status": null}), "#/status", "wrong_type"),
        (json!({"title": "x", "priority": 1}), "#/priority", "wrong_type"),
        (json!({"title": "x", "priority": "P1"}), "#/priority", "invalid_value"),
        (json!({"title": "x", "due_at": "2026-12-01"}), "#/due_at", "invalid_timestamp"),
        (json!({"title": "x", "due_at": 1_764_547_200}), "#/due_at", "wrong_type"),
        (json!({"title": "x", "due_at": "0000-01-01T00:00:00Z"}), "#/due_at", "invalid_timestamp"),
        (json!({"title": "x", "labels": "home"}), "#/labels", "wrong_type"),
        (json!({"title": "x", "labels": labels}), "#/labels", "too_many"),
        (json!({"title": "x", "labels": ["a", 1]}), "#/labels/1", "wrong_type"),
        (json!({"title": "x", "labels": ["a\u{0}"]}), "#/labels/0", "invalid_character"),
        (json!({"title": "x", "assignee_id": "bob"}), "#/assignee_id", "invalid_uuid"),
        (json!({"title": "x", "assignee_id": 1e300}), "#/assignee_id", "wrong_type"),
        (json!({"title": "x", "user_id": "me"}), "#/user_id", "unknown_field"),
        (json!({"title": "x", "version": 9}), "#/version", "unknown_field"),
        (json!({"title": "x", "a/b~c": 1}), "#/a~1b~0c", "unknown_field"),
        (json!({"title": "x", "\u{0}": 1}), "#/%00", "unknown_field"),
    ];
    for (body, pointer, code) in cases {
        let errors = refused(&alice, alice.post("/v1/tasks", &body), "validation-failed").await;
        assert_eq!(errors, [(pointer.to_owned(), code.to_owned())], "{body}");
    }
}

/// The same fields of a change, and what only a change can say. The task stays as it was.
#[tokio::test]
async fn bad_fields_of_a_change_are_named_by_their_pointers() {
    let app = TestApp::start().await;
    let alice = app.caller(Role::User);
    let task = alice.create(&json!({"title": "x", "description": "kept"})).await;
    let path = path_of(&task);
    let cases: Vec<(Value, &str, &str)> = vec![
        (json!({"title": null}), "#/title", "wrong_type"),
        (json!({"title": " "}), "#/title", "too_short"),
        (json!({"title": "x".repeat(256)}), "#/title", "too_long"),
        (json!({"title": "a\u{0}b"}), "#/title", "invalid_character"),
        (json!({"description": false}), "#/description", "wrong_type"),
        (json!({"description": "x".repeat(10_001)}), "#/description", "too_long"),
        (json!({"status": null}), "#/status", "wrong_type"),
        (json!({"status": "Pending"}), "#/status", "invalid_value"),
        (json!({"priority": null}), "#/priority", "wrong_type"),
        (json!({"priority": "highest"}), "#/priority", "invalid_value"),
        (json!({"due_at": "tomorrow"}), "#/due_at", "invalid_timestamp"),
        (json!({"due_at": "2026-12-01T00:00:00"}), "#/due_at", "invalid_timestamp"),
        (json!({"labels": null}), "#/labels", "wrong_type"),
        (json!({"labels": ["a", ""]}), "#/labels/1", "too_short"),
        (json!({"labels": ["x".repeat(51)]}), "#/labels/0", "too_long"),
        (json!({"assignee_id": "me"}), "#/assignee_id", "invalid_uuid"),
        (json!({"user_id": null}), "#/user_id", "wrong_type"),
        (json!({"user_id": "me"}), "#/user_id", "invalid_uuid"),
        (json!({"id": task["id"]}), "#/id", "unknown_field"),
        (json!({"version": 1}), "#/version", "unknown_field"),
        (json!({"deleted_at": null}), "#/deleted_at", "unknown_field"),
        (json!({"last_op": null}), "#/last_op", "unknown_field"),
    ];
    for (fields, pointer, code) in cases {
        let mut whole = json!({"title": "y", "status": "pending"});
        for (name, value) in fields.as_object().expect("an object") {
            whole[name] = value.clone();
        }
        for call in [alice.patch(&path, &fields), alice.put(&path, &whole)] {
            let errors = refused(&alice, call, "validation-failed").await;
            assert_eq!(errors, [(pointer.to_owned(), code.to_owned())], "{fields}");
        }
    }
    let errors = refused(&alice, alice.patch(&path, &json!({})), "validation-failed").await;
    assert_eq!(errors, [("#".to_owned(), "empty".to_owned())]);
    assert_eq!(alice.get(&path).send().await.json(), task);
}

#[tokio::test]
async fn bad_preferences_are_named_by_their_pointers() {
    let app = TestApp::start().await;
    let alice = app.caller(Role::User);
    let before = alice.get("/v1/me").send().await.expect(200);
    let events = |events: Value| json!({"notifications": {"events": events}});
    let cases: Vec<(Value, &str, &str)> = vec![
        (json!({}), "#", "empty"),
        (json!({"notifications": true}), "#/notifications", "wrong_type"),
        (json!({"notifications": []}), "#/notifications", "wrong_type"),
        (json!({"notifications": {"email": "no"}}), "#/notifications/email", "wrong_type"),
        (json!({"notifications": {"sms": true}}), "#/notifications/sms", "unknown_field"),
        (events(json!("all")), "#/notifications/events", "wrong_type"),
        (events(json!({"task.created": 1})), "#/notifications/events/task.created", "wrong_type"),
        (
            events(json!({"task.purged": true})),
            "#/notifications/events/task.purged",
            "unknown_field",
        ),
        (json!({"time_zone": "Mars/Olympus"}), "#/time_zone", "invalid_time_zone"),
        (json!({"time_zone": "europe/berlin"}), "#/time_zone", "invalid_time_zone"),
        (json!({"time_zone": "../../etc/passwd"}), "#/time_zone", "invalid_time_zone"),
        (json!({"time_zone": 1}), "#/time_zone", "wrong_type"),
        (json!({"time_zone": "UTC\u{0}"}), "#/time_zone", "invalid_character"),
        (json!({"username": "root"}), "#/username", "unknown_field"),
        (json!({"roles": ["admin"]}), "#/roles", "unknown_field"),
        (json!({"active": true}), "#/active", "unknown_field"),
    ];
    for (body, pointer, code) in cases {
        let call = alice.patch("/v1/me", &body);
        let errors = refused(&alice, call, "validation-failed").await;
        assert_eq!(errors, [(pointer.to_owned(), code.to_owned())], "{body}");
    }
    assert_eq!(alice.get("/v1/me").send().await.text(), before.text());
}

#[tokio::test]
async fn a_user_is_active_or_not_and_nothing_else_is_to_be_set() {
    let app = TestApp::start().await;
    let (admin, alice) = (app.caller(Role::Admin), app.caller(Role::User));
    let before = alice.get("/v1/me").send().await.expect(200);
    let path = format!("/v1/users/{}", alice.id());
    for (body, pointer, code) in [
        (json!({}), "#/active", "required"),
        (json!({"active": null}), "#/active", "wrong_type"),
        (json!({"active": "false"}), "#/active", "wrong_type"),
        (json!({"active": 0}), "#/active", "wrong_type"),
        (json!({"active": false, "roles": []}), "#/roles", "unknown_field"),
        (json!({"active": false, "email": "x@example.com"}), "#/email", "unknown_field"),
    ] {
        let errors = refused(&admin, admin.patch(&path, &body), "validation-failed").await;
        assert_eq!(errors, [(pointer.to_owned(), code.to_owned())], "{body}");
    }
    assert_eq!(alice.get("/v1/me").send().await.text(), before.text());
    for id in ["x", "me", "%00", "0197a1b2000070008000000000000001"] {
        let call = admin.patch(&format!("/v1/users/{id}"), &json!({"active": true}));
        refused(&admin, call, "user-not-found").await;
    }
}

#[tokio::test]
async fn one_answer_names_all_that_is_wrong() {
    let app = TestApp::start().await;
    let alice = app.caller(Role::User);
    let body = json!({"title": "", "status": 1, "labels": [" "], "colour": "red"});
    let errors = refused(&alice, alice.post("/v1/tasks", &body), "validation-failed").await;
    let pointers: Vec<_> = errors.iter().map(|(pointer, _)| pointer.as_str()).collect();
    assert_eq!(pointers, ["#/title", "#/status", "#/labels/0", "#/colour"]);
}

#[tokio::test]
async fn bodies_that_are_no_json_objects() {
    let app = TestApp::start().await;
    let alice = app.caller(Role::User);
    let post = || alice.call("POST", "/v1/tasks");
    let deep = format!("{{\"title\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    for text in
        ["", "null", "[]", "{", "{\"title\":\"x\"} {}", "title=x", r#"{"title":"\ud800"}"#, &deep]
    {
        refused(&alice, post().json(text), "malformed-json").await;
    }
    let twice = r#"{"title":"x","labels":[],"title":"y"}"#;
    let errors = refused(&alice, post().json(twice), "malformed-json").await;
    assert_eq!(errors, [("#/title".to_owned(), "duplicate_key".to_owned())]);
    refused(&alice, post().bytes(b"{\"title\":\"\xff\xfe\"}"), "malformed-json").await;
    let mut call = post().bytes(b"{}");
    call.event.body = Some("this is not base64".into());
    refused(&alice, call, "malformed-json").await;
    refused(&alice, post(), "unsupported-media-type").await;
}

#[tokio::test]
async fn the_largest_body_is_256_kib() {
    let app = TestApp::start().await;
    let alice = app.caller(Role::User);
    let post = || alice.call("POST", "/v1/tasks");
    let fits = format!("{{\"title\":\"x\"{}}}", " ".repeat(256 * 1024 - 13));
    assert_eq!(fits.len(), 256 * 1024);
    post().json(&fits).send().await.expect(201);
    post().bytes(fits.as_bytes()).send().await.expect(201);
    refused(&alice, post().json(&format!("{fits} ")), "payload-too-large").await;
    refused(&alice, post().bytes(format!("{fits} ").as_bytes()), "payload-too-large").await;
}

#[tokio::test]
async fn query_parameters_are_named() {
    let app = TestApp::start().await;
    let alice = app.caller(Role::User);
    let task = path_of(&alice.create(&json!({"title": "x"})).await);
    for (query, parameter, code) in [
        ("colour=red", "colour", "unknown_parameter"),
        ("include_deleted=", "include_deleted", "invalid_value"),
        ("include_deleted=TRUE", "include_deleted", "invalid_value"),
        ("include_deleted=false&include_deleted=false", "include_deleted", "repeated"),
        ("include_deleted=%00", "include_deleted", "invalid_character"),
        ("%F0%9F%98%80=1", "\u{1f600}", "unknown_parameter"),
        ("=1", "", "unknown_parameter"),
    ] {
        let call = alice.get(&format!("{task}?{query}"));
        let errors = refused(&alice, call, "validation-failed").await;
        assert_eq!(errors, [(parameter.to_owned(), code.to_owned())], "{query}");
    }
    // The same on a route that knows no parameter, and before the body's values.
    let call = alice.call("POST", "/v1/tasks?dry_run=1").json("{}");
    let errors = refused(&alice, call, "validation-failed").await;
    assert_eq!(errors, [("dry_run".to_owned(), "unknown_parameter".to_owned())]);
}

#[tokio::test]
async fn headers_that_are_wrong() {
    let app = TestApp::start().await;
    let alice = app.caller(Role::User);
    let post = || alice.post("/v1/tasks", &json!({"title": "x"}));
    for key in ["", "\"", "\"a", "a\tb", "\u{e4}", &"k".repeat(256)] {
        refused(&alice, post().key(key), "invalid-idempotency-key").await;
    }
    for kind in ["text/plain", "application/x-www-form-urlencoded", "json", ""] {
        let call = post().header("content-type", kind);
        refused(&alice, call, "unsupported-media-type").await;
    }
    refused(&alice, post().without("content-type"), "unsupported-media-type").await;
    for token in [
        "Bearer",
        "Bearer ",
        "Bearer a.b",
        "Bearer a.b.c.d",
        "Bearer  a.b.c",
        "Bearer a.b.c,Bearer a.b.c",
        "Basic YTpi",
        &format!("Bearer {}", "x".repeat(9000)),
    ] {
        let reply = post().header("authorization", token).send().await.expect(401);
        assert!(reply.header("www-authenticate").is_some_and(|h| h.starts_with("Bearer")));
        alice.create(&json!({"title": "the next one"})).await;
    }
    // What is only there to find things again is replaced, not refused.
    for id in ["a b", "", "\u{e4}", &"x".repeat(129)] {
        let reply = post().header("x-request-id", id).send().await.expect(201);
        assert_ne!(reply.header("x-request-id"), Some(id));
    }
    post().header("traceparent", "nonsense").send().await.expect(201);
    let kept = post().header("x-request-id", "my-id.1").send().await;
    assert_eq!(kept.header("x-request-id"), Some("my-id.1"));
}

#[tokio::test]
async fn ids_that_cannot_exist_do_not_exist() {
    let app = TestApp::start().await;
    let alice = app.caller(Role::User);
    let bare = "0197a1b2000070008000000000000001";
    let long = "x".repeat(5000);
    for id in
        ["x", "%00", "1", bare, "%7B0197a1b2-0000-7000-8000-000000000001%7D", "%F0%9F%98%80", &long]
    {
        refused(&alice, alice.get(&format!("/v1/tasks/{id}")), "task-not-found").await;
    }
}
