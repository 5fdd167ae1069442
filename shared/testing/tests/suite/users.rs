//! Accounts: how somebody becomes known, and what it means to be shut out.

use domain::Role;
use domain::event::{Envelope, Kind, SubjectKind};
use futures_util::future::join_all;
use issuer::Person;
use serde_json::json;
use testing::{Caller, TestApp};

use crate::cases::RouteCases;
use crate::support::{events_of, path_of, patiently};

async fn is_known(app: &TestApp, caller: &Caller<'_>) -> bool {
    let sql = "SELECT count(*) FROM app.users WHERE id = $1 AND username = $2 AND roles = $3";
    let person = caller.person();
    app.db.count(sql, &[&caller.id(), &person.username, &person.realm_roles]).await == 1
}

/// The first request makes somebody known, whatever it asks for, and also if it is refused.
#[tokio::test]
async fn any_first_request_makes_somebody_known() {
    let app = TestApp::start().await;
    for entry in app.entries().iter().filter(|entry| entry.spec.access.has_caller()) {
        let cases = RouteCases::of(entry);
        for person in [Person::new("admin", &["admin"]), Person::new("nora", &[])] {
            let caller = app.person(person);
            let id = cases.make(&app, app.clock.new_id()).await;
            assert!(!is_known(&app, &caller).await);
            cases.call(&caller, entry.spec.path, id).send().await;
            assert!(is_known(&app, &caller).await, "{}", entry.spec.name);
        }
    }
}

#[tokio::test]
async fn racing_first_requests_make_one_user() {
    let app = TestApp::start().await;
    let alice = app.caller(Role::User);
    let create = alice.post("/v1/tasks", &json!({"title": "x"}));
    let show = alice.get("/v1/me");
    let calls = (0..8).map(|n| if n % 2 == 0 { &show } else { &create });
    let replies = join_all(calls.map(patiently)).await;
    for reply in replies {
        assert!([200, 201].contains(&reply.status()), "{}", reply.text());
    }
    assert!(is_known(&app, &alice).await);
    assert_eq!(app.db.count("SELECT count(*) FROM app.users", &[]).await, 1);
}

/// What a later token says is taken over by any change, and by any request once the cache does not vouch
/// for the caller any more. What was set here stays.
#[tokio::test]
async fn a_later_token_renews_what_is_known_and_keeps_what_was_set() {
    let app = TestApp::start().await;
    let first = Person::new("alice", &["user"]);
    let alice = app.person(first.clone());
    let set = json!({"time_zone": "Europe/Berlin", "notifications": {"email": false}});
    alice.patch("/v1/me", &set).send().await.expect(200);
    let later = Person { username: "alice-liddell".into(), ..first };
    let renamed = app.person(later);
    renamed.create(&json!({"title": "x"})).await;
    let sql = "SELECT count(*) FROM app.users WHERE username = 'alice-liddell'";
    assert_eq!(app.db.count(sql, &[]).await, 1);
    let me = renamed.get("/v1/me").send().await.expect(200).json();
    assert_eq!(
        (&me["time_zone"], &me["notifications"]["email"]),
        (&json!("Europe/Berlin"), &json!(false))
    );
}

/// From the next request on, whatever the token says, with whatever it asks for. The work stays.
#[tokio::test]
async fn who_is_shut_out_does_nothing_more_and_loses_nothing() {
    let app = TestApp::start().await;
    let (admin, alice, bob) =
        (app.caller(Role::Admin), app.caller(Role::User), app.caller(Role::User));
    let own = bob.create(&json!({"title": "bob's"})).await;
    let body = json!({"title": "alice's", "assignee_id": bob.id()});
    let assigned = alice.create(&body).await;
    let user = format!("/v1/users/{}", bob.id());
    admin.patch(&user, &json!({"active": false})).send().await.expect(200);

    // A new session does not help.
    let again =
        app.person(Person { sid: app.caller(Role::User).person().sid, ..bob.person().clone() });
    for caller in [&bob, &again] {
        for entry in app.entries().iter().filter(|entry| entry.spec.access.has_caller()) {
            let cases = RouteCases::of(entry);
            let id = cases.make(&app, app.clock.new_id()).await;
            let reply = cases.call(caller, entry.spec.path, id).send().await;
            reply.expect_problem("account-disabled").expect(403);
        }
    }
    alice.post("/v1/tasks", &body).send().await.expect_problem("validation-failed");
    // The tasks are there for others, and can be worked on.
    let done = json!({"status": "completed"});
    alice.patch(&path_of(&assigned), &done).send().await.expect(200);
    admin.get(&path_of(&own)).send().await.expect(200);

    admin.patch(&user, &json!({"active": true})).send().await.expect(200);
    assert_eq!(bob.get(&path_of(&own)).send().await.expect(200).json(), own);
    bob.get(&path_of(&assigned)).send().await.expect(200);
    alice.post("/v1/tasks", &body).send().await.expect(201);
}

#[tokio::test]
async fn an_account_has_its_events() {
    let app = TestApp::start().await;
    let (admin, bob) = (app.caller(Role::Admin), app.caller(Role::User));
    bob.get("/v1/me").send().await.expect(200);
    let path = format!("/v1/users/{}", bob.id());
    for active in [false, true, false] {
        let call = admin.patch(&path, &json!({"active": active}));
        let call = call.header("x-request-id", format!("set-{active}"));
        let call =
            call.header("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        // Twice: the second time nothing changes.
        for _ in 0..2 {
            assert_eq!(call.send().await.expect(200).json()["active"], active);
        }
    }
    let events = events_of(&app, bob.id()).await;
    let kinds: Vec<_> = events.iter().map(|event| event.event).collect();
    assert_eq!(kinds, [Kind::UserDeactivated, Kind::UserReactivated, Kind::UserDeactivated]);
    for (event, version) in events.iter().zip(1..) {
        let active = event.event == Kind::UserReactivated;
        let Envelope { version: told, schema, task_id, owner_id, assignee_id, .. } = event;
        assert_eq!((*told, *schema), (version, 1));
        assert_eq!((task_id, owner_id, assignee_id), (&None, &None, &None));
        assert_eq!(event.user_id, Some(admin.id()));
        assert!(event.task.is_none());
        let subject = event.subject.expect("a subject");
        assert_eq!((subject.kind, subject.id), (SubjectKind::User, bob.id()));
        assert_eq!(event.changed, ["active"]);
        let expected = json!({"active": {"from": !active, "to": active}});
        assert_eq!(json!(event.changes), expected);
        assert_eq!(event.request_id, format!("set-{active}"));
        let trace = event.traceparent.as_deref().expect("a trace");
        assert!(trace.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"), "{trace}");
        assert_eq!(event.id.get_version_num(), 7);
        assert!(!json!(event).to_string().contains('@'), "no addresses");
    }
    let row = "SELECT count(*) FROM app.outbox o
        WHERE o.type = o.payload ->> 'event' AND o.id::text = o.payload ->> 'id'
            AND o.aggregate_version = (o.payload ->> 'version')::bigint";
    assert_eq!(app.db.count(row, &[]).await, 3);
}

/// Several administrators at once: each change of the account has one event, and no more than changed.
#[tokio::test]
async fn racing_administrators_change_an_account_once_each_way() {
    let app = TestApp::start().await;
    let bob = app.caller(Role::User);
    bob.get("/v1/me").send().await.expect(200);
    let path = format!("/v1/users/{}", bob.id());
    let admins: Vec<_> = (0..8).map(|_| app.caller(Role::Admin)).collect();
    for (round, active) in [false, true, false].into_iter().enumerate() {
        let body = json!({"active": active});
        let calls: Vec<_> = admins.iter().map(|admin| admin.patch(&path, &body)).collect();
        let replies = join_all(calls.iter().map(patiently)).await;
        for reply in replies {
            assert_eq!(reply.expect(200).json()["active"], active);
        }
        assert_eq!(events_of(&app, bob.id()).await.len(), round + 1);
    }
}
