//! `GET /v1/users`.

use domain::Role;
use issuer::Person;
use serde_json::{Value, json};
use testing::{Caller, Reply, TestApp};

use super::{Named, RouteCases, case};

pub(crate) const ROUTE: RouteCases = RouteCases {
    route: "users-list",
    request: |caller, address| caller.get(&format!("{address}?q=so")),
    names: Named::Nothing,
    own: &[
        case!("200", searched),
        case!("200", managed),
        case!("200", paged),
        case!("200", taken_literally),
        case!("304", not_modified),
        case!("invalid-cursor", no_cursor_of_this_list),
    ],
};

/// A text that no other case's users have in their names.
fn mark(app: &TestApp) -> String {
    app.clock.new_id().simple().to_string()
}

/// Somebody with these names, who has called once.
async fn known<'a>(app: &'a TestApp, username: &str, last_name: &str) -> Caller<'a> {
    let person = Person {
        first_name: None,
        last_name: Some(last_name.to_owned()),
        email: Some(format!("mail-{username}@example.com")),
        ..Person::new(username, &["user"])
    };
    let caller = app.person(person);
    caller.get("/v1/me").send().await.expect(200);
    caller
}

async fn shut_out(app: &TestApp, user: &Caller<'_>) {
    let path = format!("/v1/users/{}", user.id());
    let out = json!({"active": false});
    app.caller(Role::Admin).patch(&path, &out).send().await.expect(200);
}

async fn list(caller: &Caller<'_>, query: &str) -> (Value, Reply) {
    let reply = caller.get(&format!("/v1/users?{query}")).send().await.expect(200);
    (reply.json(), reply)
}

fn usernames(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().expect("items");
    items.iter().filter_map(|user| user["username"].as_str()).collect()
}

/// Who writes tasks finds the active by a part of a name, and is shown names.
async fn searched(app: &TestApp) -> Reply {
    let (alice, mark) = (app.caller(Role::User), mark(app));
    let anna = known(app, &format!("anna-{mark}"), "A").await;
    let berta = known(app, &format!("berta-{mark}"), "B").await;
    let named = known(app, "zoe", &format!("Name {mark}")).await;
    shut_out(app, &berta).await;
    let (page, reply) = list(&alice, &format!("q={}", mark.to_uppercase())).await;
    let expected = json!({
        "items": [
            {"id": anna.id(), "username": format!("anna-{mark}"), "name": "A"},
            {"id": named.id(), "username": "zoe", "name": format!("Name {mark}")},
        ],
        "next_cursor": null,
    });
    assert_eq!(page, expected);
    let (page, _) = list(&alice, &format!("q={mark}&active=true")).await;
    assert_eq!(page, expected);
    // Addresses are not for searching: there one could guess them letter by letter.
    let (page, _) = list(&alice, &format!("q=mail-anna-{mark}")).await;
    assert_eq!(page["items"], json!([]));
    reply
}

/// Who manages users is shown everybody and everything.
async fn managed(app: &TestApp) -> Reply {
    let (admin, mark) = (app.caller(Role::Admin), mark(app));
    let (one, two) = (format!("anna-{mark}"), format!("berta-{mark}"));
    let anna = known(app, &one, "A").await;
    shut_out(app, &known(app, &two, "B").await).await;
    let (page, _) = list(&admin, &format!("q={mark}&active=true")).await;
    let user = &page["items"][0];
    let expected = json!({
        "id": anna.id(), "username": one, "name": "A", "email": format!("mail-{one}@example.com"),
        "roles": ["user"], "active": true, "last_seen_at": user["last_seen_at"],
    });
    assert_eq!(page, json!({"items": [expected], "next_cursor": null}));
    let (page, _) = list(&admin, &format!("q={mark}&active=false")).await;
    assert_eq!(usernames(&page), [two.as_str()]);
    let (page, _) = list(&admin, &format!("q=mail-anna-{mark}")).await;
    assert_eq!(usernames(&page), [one.as_str()]);
    // One letter is enough, and so is none.
    let (page, reply) = list(&admin, &format!("q={mark}")).await;
    assert_eq!(usernames(&page), [one.as_str(), two.as_str()]);
    let letter = list(&admin, "q=%2D&limit=100").await.0;
    assert!(usernames(&letter).contains(&one.as_str()), "{letter}");
    let all = list(&admin, "limit=100").await.0;
    assert!(usernames(&all).contains(&two.as_str()), "{all}");
    reply
}

/// In the order of their names, each once, also those who are called the same.
async fn paged(app: &TestApp) -> Reply {
    let (alice, mark) = (app.caller(Role::User), mark(app));
    let mut wanted = Vec::new();
    for name in ["b", "a", "B", "\u{e4}", "a", "c"] {
        let user = known(app, &format!("{name}-{mark}"), "X").await;
        wanted.push((format!("{name}-{mark}"), user.id().to_string()));
    }
    wanted.sort_unstable();
    for limit in [1, 2, 3, 5] {
        let (mut found, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let (page, _) = list(&alice, &format!("q={mark}&limit={limit}{cursor}")).await;
            let items = page["items"].as_array().expect("items");
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            found.extend(items.iter().map(|user| (text(&user["username"]), text(&user["id"]))));
            pages += 1;
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(found, wanted, "in pages of {limit}");
        assert_eq!(pages, wanted.len().div_ceil(limit), "in pages of {limit}");
    }
    let (page, reply) = list(&alice, &format!("q={mark}&limit=6")).await;
    assert_eq!(page["next_cursor"], Value::Null, "null exactly when nothing follows");
    reply
}

/// What is special to the database is not special to people.
async fn taken_literally(app: &TestApp) -> Reply {
    let (alice, mark) = (app.caller(Role::User), mark(app));
    let names = [format!("50%-{mark}"), format!("a_b-{mark}"), format!("a\\b-{mark}")];
    for name in &names {
        known(app, name, "X").await;
    }
    known(app, &format!("axb-50-{mark}"), "X").await;
    let mut last = None;
    for (query, name) in [("50%25-", &names[0]), ("a_b-", &names[1]), ("a%5Cb-", &names[2])] {
        let (page, reply) = list(&alice, &format!("q={query}{mark}")).await;
        assert_eq!(usernames(&page), [name.as_str()], "{query}");
        last = Some(reply);
    }
    last.expect("a reply")
}

async fn not_modified(app: &TestApp) -> Reply {
    let (alice, mark) = (app.caller(Role::User), mark(app));
    let (_, first) = list(&alice, &format!("q={mark}")).await;
    let tag = first.header("etag").expect("a tag").to_owned();
    assert!(tag.starts_with("W/\""), "{tag}");
    let again = || alice.get(&format!("/v1/users?q={mark}")).header("if-none-match", tag.clone());
    let reply = again().send().await.expect(304);
    assert_eq!((reply.text(), reply.header("etag")), ("", Some(tag.as_str())));
    known(app, &format!("anna-{mark}"), "A").await;
    again().send().await.expect(200);
    reply
}

/// Nonsense, and cursors that another question was answered with.
async fn no_cursor_of_this_list(app: &TestApp) -> Reply {
    let (alice, admin, mark) = (app.caller(Role::User), app.caller(Role::Admin), mark(app));
    for name in ["a", "b"] {
        known(app, &format!("{name}-{mark}"), "X").await;
    }
    let (page, _) = list(&alice, &format!("q={mark}&limit=1")).await;
    let good = page["next_cursor"].as_str().expect("a cursor").to_owned();
    list(&alice, &format!("q={mark}&limit=5&cursor={good}")).await;
    let of_tasks = {
        for title in ["x", "y"] {
            alice.create(&json!({"title": title})).await;
        }
        let page = alice.get("/v1/tasks?limit=1").send().await.expect(200).json();
        page["next_cursor"].as_str().expect("a cursor").to_owned()
    };
    let other = &mark[1..];
    let mut last = None;
    for (caller, query) in [
        (&alice, format!("q={mark}&cursor=x")),
        (&alice, format!("q={mark}&cursor=")),
        (&alice, format!("q={mark}&cursor={}", &good[..good.len() - 1])),
        (&alice, format!("q={mark}&cursor={of_tasks}")),
        (&alice, format!("q={other}&cursor={good}")),
        (&alice, format!("q={mark}&active=true&cursor={good}")),
        (&admin, format!("q={mark}&cursor={good}")),
    ] {
        let reply = caller.get(&format!("/v1/users?{query}")).send().await;
        last = Some(reply.expect_problem("invalid-cursor"));
    }
    last.expect("a reply")
}

#[tokio::test]
async fn who_does_not_manage_users_must_know_whom_to_find() {
    let app = TestApp::start().await;
    let alice = app.caller(Role::User);
    for (query, code) in
        [("", "required"), ("limit=5", "required"), ("q=a", "too_short"), ("q=%C3%A4", "too_short")]
    {
        let reply = alice.get(&format!("/v1/users?{query}")).send().await;
        let errors = reply.expect_problem("validation-failed").errors();
        assert_eq!(errors, [("q".to_owned(), code.to_owned())], "{query}");
    }
    alice.get("/v1/users?q=%C3%A4b").send().await.expect(200);
    // Who was shut out is nobody to give a task to.
    let reply = alice.get("/v1/users?q=ab&active=false").send().await.expect_problem("forbidden");
    assert_eq!(reply.json()["required"], "users:manage");
}
