//! `GET /v1/stats`.

use domain::{Day, Role};
use serde_json::{Value, json};
use testing::{Caller, Reply, Setup, TestApp};
use time::{Duration, OffsetDateTime};

use super::{Named, RouteCases, case};
use crate::support::path_of;

pub(crate) const ROUTE: RouteCases = RouteCases {
    route: "stats-get",
    request: |caller, address| caller.get(address),
    names: Named::Nothing,
    own: &[
        case!("200", owned),
        case!("200", of_some_days),
        case!("validation-failed", no_such_period),
        case!("forbidden", of_everybody_to_one),
    ],
};

fn today(app: &TestApp) -> OffsetDateTime {
    OffsetDateTime::from(app.clock.now())
}

async fn stats(caller: &Caller<'_>, query: &str) -> Value {
    caller.get(&format!("/v1/stats?{query}")).send().await.expect(200).json()
}

/// The sum of what happened on all days.
fn sums(stats: &Value) -> [i64; 3] {
    let days = stats["daily"].as_array().expect("days");
    ["created", "completed", "deleted"]
        .map(|what| days.iter().filter_map(|day| day[what].as_i64()).sum())
}

fn days(stats: &Value) -> Vec<&str> {
    let days = stats["daily"].as_array().expect("days");
    days.iter().filter_map(|day| day["date"].as_str()).collect()
}

/// One's own, as it is and as it came to be, for the last thirty days.
async fn owned(app: &TestApp) -> Reply {
    let (alice, bob) = (app.caller(Role::User), app.caller(Role::User));
    bob.get("/v1/me").send().await.expect(200);
    let due = |hours: i64| {
        let time = today(app) + Duration::hours(hours);
        json!(domain::Timestamp::new(time).expect("a time"))
    };
    for (status, due_at) in [
        ("pending", Value::Null),
        ("pending", due(-1)),
        ("in_progress", due(-1000)),
        ("in_progress", due(1)),
        ("pending", due(7 * 24 - 1)),
        ("pending", due(7 * 24 + 1)),
        ("completed", due(-1)),
        ("rejected", due(1)),
    ] {
        let body =
            json!({"title": "x", "status": status, "due_at": due_at, "assignee_id": bob.id()});
        alice.create(&body).await;
    }
    let gone = alice.create(&json!({"title": "x", "due_at": due(-1)})).await;
    app.caller(Role::Admin).delete(&path_of(&gone)).send().await.expect(204);

    let now = stats(&alice, "").await;
    let by_status = json!({"pending": 4, "in_progress": 2, "completed": 1, "rejected": 1});
    assert_eq!(now["by_status"], by_status, "what is one's own is seen at once");
    assert_eq!((&now["overdue"], &now["due_next_7_days"]), (&json!(2), &json!(2)));
    app.deliver().await;
    let reply = alice.get("/v1/stats").send().await.expect(200);
    let now = reply.json();
    assert_eq!(sums(&now), [9, 1, 1]);
    assert_eq!(days(&now).len(), 30);
    assert!(days(&now).windows(2).all(|pair| pair[0] < pair[1]));
    assert_eq!(now["daily"].as_array().map(Vec::len), Some(30));
    let last = Day::of(today(app).date()).to_string();
    // At midnight, it may be the day before yesterday's turn.
    assert!(days(&now)[28..].contains(&last.as_str()), "{now}");
    assert!(reply.text().starts_with(r#"{"by_status":{"pending":4,"#), "{}", reply.text());
    assert!(now["as_of"].as_str().is_some_and(|time| time.ends_with('Z')), "{now}");
    // Those that are assigned to somebody are not theirs.
    let of_bob = stats(&bob, "").await;
    assert_eq!((sums(&of_bob), &of_bob["overdue"]), ([0, 0, 0], &json!(0)));
    assert_eq!(of_bob["by_status"]["pending"], 0);
    assert_eq!(reply.header("etag"), None, "it changes without anybody's doing");
    reply
}

/// Both ends count.
async fn of_some_days(app: &TestApp) -> Reply {
    let alice = app.caller(Role::User);
    let page = stats(&alice, "from=2024-02-27&to=2024-03-01").await;
    assert_eq!(days(&page), ["2024-02-27", "2024-02-28", "2024-02-29", "2024-03-01"]);
    let day = json!({"date": "2024-02-29", "created": 0, "completed": 0, "deleted": 0});
    assert_eq!(page["daily"][2], day);
    assert_eq!(days(&stats(&alice, "from=2024-01-01&to=2024-12-31").await).len(), 366);
    assert_eq!(days(&stats(&alice, "to=2024-01-30").await)[0], "2024-01-01");
    assert_eq!(days(&stats(&alice, "to=1900-01-02").await), ["1900-01-01", "1900-01-02"]);
    let yesterday = today(app) - Duration::days(1);
    let from = format!("from={}", Day::of(yesterday.date()));
    let days_from_yesterday = days(&stats(&alice, &from).await).len();
    assert!((2..=3).contains(&days_from_yesterday), "{days_from_yesterday}");
    alice.get("/v1/stats?from=9999-12-31&to=9999-12-31").send().await
}

async fn no_such_period(app: &TestApp) -> Reply {
    let alice = app.caller(Role::User);
    let mut last = None;
    for (query, parameter, code) in [
        ("from=2026-01-02&to=2026-01-01", "from", "out_of_range"),
        ("from=2024-01-01&to=2025-01-01", "from", "out_of_range"),
        ("from=1900-01-01", "from", "out_of_range"),
        ("from=9999-01-01", "from", "out_of_range"),
        ("from=yesterday", "from", "invalid_date"),
        ("to=2026-02-30", "to", "invalid_date"),
        ("to=2026-01-01T00:00:00Z", "to", "invalid_date"),
        ("scope=assigned", "scope", "invalid_value"),
        ("scope=", "scope", "invalid_value"),
    ] {
        let reply = alice.get(&format!("/v1/stats?{query}")).send().await;
        let reply = reply.expect_problem("validation-failed");
        assert_eq!(reply.errors(), [(parameter.to_owned(), code.to_owned())], "{query}");
        last = Some(reply);
    }
    last.expect("a reply")
}

async fn of_everybody_to_one(app: &TestApp) -> Reply {
    let reply = app.caller(Role::User).get("/v1/stats?scope=all").send().await;
    let reply = reply.expect_problem("forbidden");
    assert_eq!(reply.json()["required"], "tasks:read:all");
    reply
}

/// Everybody's numbers are counted; only what is due is looked up. Who only reads is shown them.
#[tokio::test]
async fn everybodys_numbers_are_there_for_those_who_may_read_everything() {
    let app = TestApp::with(Setup::default()).await;
    let (alice, bob) = (app.caller(Role::User), app.caller(Role::User));
    let (admin, viewer) = (app.caller(Role::Admin), app.caller(Role::Viewer));
    let due = domain::Timestamp::new(today(&app) - Duration::hours(1)).expect("a time");
    let one = alice.create(&json!({"title": "x", "due_at": due})).await;
    bob.create(&json!({"title": "x", "status": "rejected", "due_at": due})).await;
    admin.create(&json!({"title": "x", "status": "completed"})).await;
    let before = stats(&viewer, "").await;
    assert_eq!((sums(&before), &before["overdue"]), ([0, 0, 0], &json!(1)));

    app.deliver().await;
    let done = alice.patch(&path_of(&one), &json!({"status": "completed"}));
    let done = done.send().await.expect(200).json();
    let counted = stats(&viewer, "").await;
    let by_status = json!({"pending": 1, "in_progress": 0, "completed": 1, "rejected": 1});
    assert_eq!((&counted["by_status"], &counted["overdue"]), (&by_status, &json!(0)));
    assert_eq!(sums(&counted), [3, 1, 0]);

    app.deliver().await;
    let counted = stats(&viewer, "scope=all").await;
    let by_status = json!({"pending": 0, "in_progress": 0, "completed": 2, "rejected": 1});
    assert_eq!((&counted["by_status"], sums(&counted)), (&by_status, [3, 2, 0]));
    assert_eq!(counted["as_of"], done["updated_at"], "the newest event that was counted");
    assert_eq!(stats(&admin, "scope=all").await, counted);
    // Who writes, too, is shown their own.
    assert_eq!(sums(&stats(&admin, "").await), [1, 1, 0]);
    assert_eq!(sums(&stats(&viewer, "scope=owned").await), [0, 0, 0]);
}
