//! `PATCH /v1/me`.

use domain::Role;
use serde_json::{Value, json};
use testing::{Caller, Reply, TestApp};

use super::{Named, RouteCases, case};

pub(crate) const ROUTE: RouteCases = RouteCases {
    route: "me-update",
    request: |caller, address| caller.patch(address, &json!({"time_zone": "Europe/Berlin"})),
    names: Named::Nothing,
    own: &[case!("200", a_part), case!("200", reset), case!("200", of_nobody_else)],
};

/// Sets something; the answer is what is shown from then on.
async fn set(caller: &Caller<'_>, body: Value) -> (Value, Reply) {
    let reply = caller.patch("/v1/me", &body).send().await.expect(200);
    let shown = caller.get("/v1/me").send().await.expect(200);
    assert_eq!(reply.text(), shown.text(), "{body}");
    (reply.json(), reply)
}

/// What is absent stays as it was.
async fn a_part(app: &TestApp) -> Reply {
    let alice = app.caller(Role::User);
    let mut wanted = alice.get("/v1/me").send().await.expect(200).json();
    let mut last = None;
    for (body, pointer, value) in [
        (json!({"notifications": {"email": false}}), "/notifications/email", json!(false)),
        (
            json!({"notifications": {"events": {"task.assigned": false}}}),
            "/notifications/events/task.assigned",
            json!(false),
        ),
        (
            json!({"notifications": {"events": {"export.completed": false}}}),
            "/notifications/events/export.completed",
            json!(false),
        ),
        (
            json!({"notifications": {"own_actions": false}}),
            "/notifications/own_actions",
            json!(false),
        ),
        (json!({"time_zone": "America/New_York"}), "/time_zone", json!("America/New_York")),
        (json!({"notifications": {"email": true}}), "/notifications/email", json!(true)),
        (json!({"notifications": {}}), "/notifications/email", json!(true)),
    ] {
        let (me, reply) = set(&alice, body.clone()).await;
        *wanted.pointer_mut(pointer).expect("a member") = value;
        assert_eq!(me, wanted, "{body}");
        last = Some(reply);
    }
    last.expect("a reply")
}

/// Null goes back to the default, of one thing or of everything below.
async fn reset(app: &TestApp) -> Reply {
    let viewer = app.caller(Role::Viewer);
    let usual = viewer.get("/v1/me").send().await.expect(200).json();
    let all = json!({
        "notifications": {
            "email": false, "own_actions": false,
            "events": {
                "task.created": false, "task.status_changed": false, "task.completed": false,
                "task.assigned": false, "export.completed": false,
            },
        },
        "time_zone": "Asia/Kathmandu",
    });
    let (off, _) = set(&viewer, all.clone()).await;
    assert_eq!(off["notifications"], all["notifications"]);

    let (me, _) = set(&viewer, json!({"notifications": {"events": {"task.created": null}}})).await;
    assert_eq!(me["notifications"]["events"]["task.created"], true);
    assert_eq!(me["notifications"]["events"]["task.completed"], false);
    let (me, _) = set(&viewer, json!({"notifications": {"events": null}})).await;
    assert_eq!(me["notifications"]["events"], usual["notifications"]["events"]);
    assert_eq!(me["notifications"]["email"], false);
    let (me, _) = set(&viewer, json!({"time_zone": null})).await;
    assert_eq!(me["time_zone"], "UTC");
    assert_eq!(me["notifications"]["email"], false);
    let (me, reply) = set(&viewer, json!({"notifications": null})).await;
    assert_eq!(me, usual);
    reply
}

/// It is one's own, and no news to anybody.
async fn of_nobody_else(app: &TestApp) -> Reply {
    let (alice, bob) = (app.caller(Role::User), app.caller(Role::User));
    let before = bob.get("/v1/me").send().await.expect(200);
    let events = app.db.count("SELECT count(*) FROM app.outbox", &[]).await;
    let body = json!({"notifications": {"email": false}, "time_zone": "Europe/Berlin"});
    let (_, reply) = set(&alice, body).await;
    assert_eq!(bob.get("/v1/me").send().await.text(), before.text());
    assert_eq!(app.db.count("SELECT count(*) FROM app.outbox", &[]).await, events);
    reply
}
