//! `POST /v1/exports`.

use domain::Role;
use domain::event::{Kind, SubjectKind};
use serde_json::{Value, json};
use testing::{Reply, Setup, TestApp};

use super::{Named, RouteCases, case};
use crate::support::{events_of, id_of};

pub(crate) const ROUTE: RouteCases = RouteCases {
    route: "exports-create",
    request: |caller, address| caller.post(address, &json!({"kind": "tasks"})),
    names: Named::Nothing,
    own: &[
        case!("202", requested),
        case!("202", usual),
        case!("202", once),
        case!("forbidden", beyond_ones_own),
        case!("rate-limited", an_eleventh_in_an_hour),
    ],
};

/// The export and its event are there, and say what was asked for.
async fn requested(app: &TestApp) -> Reply {
    let alice = app.caller(Role::User);
    let body = json!({
        "kind": "report", "format": "jsonl", "scope": "assigned",
        "filter": {"status": "in-progress,pending", "label": "home"},
    });
    let reply = alice.post("/v1/exports", &body).send().await.expect(202);
    let export = reply.json();
    let expected = json!({
        "id": export["id"], "kind": "report", "format": "jsonl", "scope": "assigned",
        "filter": {"status": ["pending", "in_progress"], "label": ["home"]},
        "status": "requested", "rows": null, "bytes": null, "download_url": null, "error": null,
        "requested_at": export["requested_at"], "finished_at": null, "expires_at": null,
    });
    assert_eq!(export, expected);
    let location = reply.header("location").expect("a place");
    let shown = alice.get(location).send().await.expect(200);
    assert_eq!(shown.text(), reply.text());

    let events = events_of(app, id_of(&export)).await;
    let [event] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((event.event, event.version), (Kind::ExportRequested, 1));
    assert_eq!((event.user_id, event.owner_id), (Some(alice.id()), Some(alice.id())));
    assert_eq!((event.task_id, event.task.is_none()), (None, true));
    let subject = event.subject.expect("a subject");
    assert_eq!((subject.kind, subject.id), (SubjectKind::Export, id_of(&export)));
    reply
}

/// Whose tasks, if nobody says, is as for a list.
async fn usual(app: &TestApp) -> Reply {
    let scope = async |role: Role, body: Value| {
        let reply = app.caller(role).post("/v1/exports", &body).send().await.expect(202);
        (reply.json()["scope"].as_str().expect("a scope").to_owned(), reply)
    };
    let plain = json!({"kind": "tasks"});
    assert_eq!(scope(Role::User, plain.clone()).await.0, "owned");
    assert_eq!(scope(Role::Admin, plain.clone()).await.0, "owned");
    let of_one = json!({"kind": "tasks", "filter": {"user_id": app.clock.new_id()}});
    assert_eq!(scope(Role::Admin, of_one).await.0, "all");
    let (scope, reply) = scope(Role::Viewer, plain).await;
    assert_eq!(scope, "all");
    assert_eq!(reply.json()["format"], "csv");
    reply
}

/// A request that is repeated with its key is one request.
async fn once(app: &TestApp) -> Reply {
    let alice = app.caller(Role::User);
    let call = alice.post("/v1/exports", &json!({"kind": "tasks"})).key("k");
    let first = call.send().await.expect(202);
    let again = call.send().await.expect(202);
    assert_eq!(again.text(), first.text());
    assert_eq!(again.header("location"), first.header("location"));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(events_of(app, id_of(&first.json())).await.len(), 1);
    let list = alice.get("/v1/exports").send().await.expect(200).json();
    assert_eq!(list["items"].as_array().map(Vec::len), Some(1));
    again
}

/// What takes a permission in a list takes it here.
async fn beyond_ones_own(app: &TestApp) -> Reply {
    let mut last = None;
    for (role, body, required) in [
        (Role::User, json!({"scope": "all"}), "tasks:read:all"),
        (Role::User, json!({"filter": {"user_id": app.clock.new_id()}}), "tasks:read:all"),
        (Role::User, json!({"filter": {"deleted": true}}), "tasks:admin"),
        (Role::Viewer, json!({"scope": "all", "filter": {"deleted": true}}), "tasks:admin"),
    ] {
        let mut body = body;
        body["kind"] = json!("tasks");
        let caller = app.caller(role);
        let reply = caller.post("/v1/exports", &body).send().await.expect_problem("forbidden");
        assert_eq!(reply.json()["required"], required, "{body}");
        let exports = caller.get("/v1/exports").send().await.expect(200).json();
        assert_eq!(exports["items"], json!([]));
        last = Some(reply);
    }
    last.expect("a reply")
}

/// Ten an hour, of which only good requests use something up; and it is nobody else's business.
async fn an_eleventh_in_an_hour(_: &TestApp) -> Reply {
    let env = vec![("RATE_LIMITS", r#"{"user": "1000/60"}"#.to_owned())];
    let app = TestApp::with(Setup { env, ..Setup::default() }).await;
    let (alice, bob) = (app.caller(Role::User), app.caller(Role::User));
    let ask = |kind: &str| alice.post("/v1/exports", &json!({"kind": kind}));
    for n in (0..10).rev() {
        ask("everything").send().await.expect_problem("validation-failed");
        let reply = ask("tasks").send().await.expect(202);
        let policies = "\"user\";q=1000;w=60, \"exports\";q=10;w=3600";
        assert_eq!(reply.header("ratelimit-policy"), Some(policies));
        let left = format!("\"exports\";r={n};t=");
        assert!(reply.header("ratelimit").is_some_and(|words| words.contains(&left)), "{left}");
    }
    let reply = ask("tasks").send().await.expect_problem("rate-limited");
    assert_eq!(reply.json()["violated-policies"], json!(["exports"]));
    let wait: u32 = reply.header("retry-after").expect("a time").parse().expect("seconds");
    assert!((1..=360).contains(&wait), "{wait}");
    alice.get("/v1/exports").send().await.expect(200);
    bob.post("/v1/exports", &json!({"kind": "tasks"})).send().await.expect(202);
    reply
}
