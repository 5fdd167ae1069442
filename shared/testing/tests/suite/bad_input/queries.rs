//! The parameters of the lists: junk in any of them is named, and nothing in them is SQL.

use std::collections::BTreeSet;

use domain::Role;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;
use testing::TestApp;

use super::refused;
use crate::support::everything;

/// A parameter, junk for it, and what the answer calls that.
const JUNK: [(&str, &str, &str); 45] = [
    ("scope", "mine", "invalid_value"),
    ("scope", "", "invalid_value"),
    ("status", "done", "invalid_value"),
    ("status", "pending,", "invalid_value"),
    ("priority", "1", "invalid_value"),
    ("label", "", "too_short"),
    ("label", "%20", "too_short"),
    ("assignee_id", "bob", "invalid_value"),
    ("user_id", "me", "invalid_uuid"),
    ("q", "", "too_short"),
    ("q", "%20%09", "too_short"),
    ("created_after", "yesterday", "invalid_timestamp"),
    ("created_after", "2026-01-01", "invalid_timestamp"),
    ("created_before", "1767225600", "invalid_timestamp"),
    // A plus that is not encoded is a space.
    ("updated_after", "2026-01-01T00:00:00+01:00", "invalid_timestamp"),
    ("due_after", "2026-02-30T00:00:00Z", "invalid_timestamp"),
    ("due_after", "0000-01-01T00:00:00Z", "invalid_timestamp"),
    ("due_before", "infinity", "invalid_timestamp"),
    ("overdue", "1", "invalid_value"),
    ("deleted", "yes", "invalid_value"),
    ("sort", "title", "invalid_value"),
    ("sort", "created_at,priority", "invalid_value"),
    ("sort", "%2Bdue_at", "invalid_value"),
    ("page", "first", "invalid_value"),
    ("page", "0", "out_of_range"),
    ("page", "4294967296", "out_of_range"),
    ("page_size", "1e1", "invalid_value"),
    ("page_size", "101", "out_of_range"),
    ("skip", "-1", "invalid_value"),
    ("skip", "99999999999999999999", "out_of_range"),
    ("limit", "%D9%A1", "invalid_value"),
    ("limit", "0", "out_of_range"),
    ("task_id", "me", "invalid_uuid"),
    ("actor_id", "system", "invalid_uuid"),
    ("event", "task.flown", "invalid_value"),
    ("event", "task.created,task.deleted", "invalid_value"),
    ("request_id", "a%20b", "invalid_value"),
    ("request_id", "", "invalid_value"),
    ("from", "2026-01-01", "invalid_timestamp"),
    ("to", "now", "invalid_timestamp"),
    // Of any kind.
    ("q", "a%00b", "invalid_character"),
    ("label", "%00", "invalid_character"),
    ("cursor", "%00", "invalid_character"),
    ("request_id", "%00", "invalid_character"),
    ("active", "True", "invalid_value"),
];

fn parameters_of(path: &str) -> BTreeSet<&'static str> {
    let entry = catalog::routes().into_iter().find(|entry| entry.spec.name == path);
    entry.expect("a route").shape.parameters.into_iter().collect()
}

#[tokio::test]
async fn junk_in_any_parameter_is_named() {
    let app = TestApp::start().await;
    let admin = app.caller(Role::Admin);
    for (route, path) in [
        ("tasks-list", "/v1/tasks"),
        ("users-list", "/v1/users"),
        ("audit-list", "/v1/audit-events"),
    ] {
        let mut missing = parameters_of(route);
        for (name, value, code) in JUNK {
            if !parameters_of(route).contains(name) {
                continue;
            }
            let call = admin.get(&format!("{path}?{name}={value}"));
            let errors = refused(&admin, call, "validation-failed").await;
            assert_eq!(errors, [(name.to_owned(), code.to_owned())], "{name}={value}");
            missing.remove(name);
        }
        assert_eq!(missing, BTreeSet::new(), "parameters of {route} without junk for them");
        for name in parameters_of(route).into_iter().filter(|name| *name != "label") {
            let call = admin.get(&format!("{path}?{name}=1&{name}=1"));
            let errors = refused(&admin, call, "validation-failed").await;
            assert_eq!(errors, [(name.to_owned(), "repeated".to_owned())]);
        }
    }
}

#[tokio::test]
async fn parameters_have_their_limits() {
    let app = TestApp::start().await;
    let admin = app.caller(Role::Admin);
    let labels = |count: usize| (0..count).map(|n| format!("label=l{n}")).collect::<Vec<_>>();
    for (most, more, name, code) in [
        (format!("q={}", "x".repeat(200)), format!("q={}", "x".repeat(201)), "q", "too_long"),
        (
            format!("label={}", "%C3%A4".repeat(50)),
            format!("label={}", "%C3%A4".repeat(51)),
            "label",
            "too_long",
        ),
        (labels(20).join("&"), labels(21).join("&"), "label", "too_many"),
    ] {
        admin.get(&format!("/v1/tasks?{most}")).send().await.expect(200);
        let call = admin.get(&format!("/v1/tasks?{more}"));
        let errors = refused(&admin, call, "validation-failed").await;
        assert_eq!(errors, [(name.to_owned(), code.to_owned())]);
    }
    let all_wrong = admin.get("/v1/tasks?scope=x&status=x&sort=x&page=x&limit=5&deleted=x");
    let errors = refused(&admin, all_wrong, "validation-failed").await;
    let named: BTreeSet<_> = errors.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(named, ["deleted", "limit", "page", "scope", "sort", "status"].into());
}

/// Texts that would do harm, were they ever a part of a statement. As a search they find what holds them,
/// and as anything else they are junk like any other.
#[tokio::test]
async fn nothing_in_a_parameter_is_sql() {
    const TEXTS: [&str; 9] = [
        "'; DROP TABLE app.tasks; --",
        "' OR '1'='1",
        "\" OR 1=1 --",
        "1); DELETE FROM app.users; --",
        "$1",
        "%' OR title LIKE '%",
        "\\'; SELECT pg_sleep(9); --",
        "{x,y}\",\"z",
        "/* tasks.list */",
    ];
    let app = TestApp::start().await;
    let admin = app.caller(Role::Admin);
    admin.create(&json!({"title": "another"})).await;
    for text in TEXTS {
        let task = admin.create(&json!({"title": text, "labels": [text]})).await;
        let before = everything(&app).await;
        let encoded = utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        for parameter in ["q", "label"] {
            let page = admin.get(&format!("/v1/tasks?{parameter}={encoded}")).send().await;
            assert_eq!(page.expect(200).json()["items"], json!([task]), "{parameter}={text}");
        }
        let users = admin.get(&format!("/v1/users?q={encoded}")).send().await.expect(200).json();
        assert_eq!(users["items"], json!([]), "{text}");
        for (query, code) in [
            ("sort", "validation-failed"),
            ("status", "validation-failed"),
            ("user_id", "validation-failed"),
            ("created_after", "validation-failed"),
            ("limit", "validation-failed"),
            ("cursor", "invalid-cursor"),
        ] {
            let reply = admin.get(&format!("/v1/tasks?{query}={encoded}")).send().await;
            reply.expect_problem(code).expect(422);
        }
        assert_eq!(everything(&app).await, before, "{text}");
    }
}
