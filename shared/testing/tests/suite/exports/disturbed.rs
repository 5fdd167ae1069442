//! Messages that come more than once, or are forged, and workers that do not come to their end.

use domain::Role;
use domain::event::{Envelope, Kind, Subject, SubjectKind};
use futures_util::future::join_all;
use issuer::Person;
use serde_json::{Value, json};
use testing::{BUCKET, Caller, Setup, TestApp, fetch, rig};
use uuid::Uuid;

use super::{DONE, WORKER, ask, file, kinds, make, now, request_of};
use crate::support::{everything, id_of};

/// An export of three tasks.
async fn of_three(caller: &Caller<'_>) -> Value {
    for title in ["a", "b", "c"] {
        caller.create(&json!({"title": title})).await;
    }
    ask(caller, &json!({"kind": "tasks"})).await
}

fn body_of(event: &Envelope) -> String {
    serde_json::to_string(event).expect("JSON")
}

/// Where the file of an export lies, without a signature.
fn place_of(owner: Uuid, export: &Value) -> String {
    let id = export["id"].as_str().expect("an id");
    format!("{}/{BUCKET}/exports/{owner}/{id}.csv", rig().state.localstack.url)
}

#[tokio::test]
async fn six_workers_at_once_make_one_file_and_tell_once() {
    let app = TestApp::start().await;
    let alice = app.caller(Role::User);
    let export = of_three(&alice).await;
    let event = request_of(&app, &export).await;
    let events = std::slice::from_ref(&event);
    join_all((0..6).map(|_| app.work(WORKER, events))).await;
    // Whoever found another at work comes again, and finds nothing to do.
    assert_eq!(app.work(WORKER, events).await, DONE);
    assert_eq!(kinds(&app, &export).await, [Kind::ExportRequested, Kind::ExportCompleted]);
    let sql = "SELECT attempts::bigint FROM app.exports WHERE id = $1";
    assert_eq!(app.db.count(sql, &[&id_of(&export)]).await, 1);
    let text = String::from_utf8(file(&alice, &export).await.bytes).expect("UTF-8");
    assert_eq!(text.lines().count(), 4);
    let before = everything(&app).await;
    assert_eq!(app.work(WORKER, events).await, DONE);
    assert_eq!(everything(&app).await, before);
}

#[tokio::test]
async fn a_forged_message_has_no_say_in_what_is_exported() {
    let app = TestApp::start().await;
    let (alice, mallory) = (app.caller(Role::User), app.caller(Role::User));
    mallory.create(&json!({"title": "of mallory"})).await;
    let export = of_three(&alice).await;
    let event = request_of(&app, &export).await;

    // Of an export that there is not, of something else, and of nothing at all.
    let before = everything(&app).await;
    let subject = |kind, id| Some(Subject { kind, id });
    let forged = [
        subject(SubjectKind::Export, app.clock.new_id()),
        subject(SubjectKind::User, alice.id()),
        subject(SubjectKind::User, id_of(&export)),
        None,
    ];
    for subject in forged {
        let event = Envelope { subject, ..event.clone() };
        assert_eq!(app.work(WORKER, &[event]).await, DONE, "{subject:?}");
    }
    assert_eq!(everything(&app).await, before);
    let letters = app.take("task-exports-dlq").await;
    let mut reasons: Vec<_> = letters.iter().filter_map(|(_, reason)| reason.as_deref()).collect();
    reasons.sort_unstable();
    let not_about_one = "the event is not about an export";
    let expected = [not_about_one, not_about_one, not_about_one, "there is no such export"];
    assert_eq!(reasons, expected);

    // Whoever the message names: the row says whose tasks, and whose file.
    let forged = Envelope {
        owner_id: Some(mallory.id()),
        user_id: Some(mallory.id()),
        assignee_id: Some(mallory.id()),
        task_id: Some(app.clock.new_id()),
        version: 7,
        ..event
    };
    assert_eq!(app.work(WORKER, &[forged]).await, DONE);
    let text = String::from_utf8(file(&alice, &export).await.bytes).expect("UTF-8");
    assert!(text.contains(",c,") && !text.contains("mallory"), "{text}");
    let path = format!("/v1/exports/{}", export["id"].as_str().expect("an id"));
    mallory.get(&path).send().await.expect_problem("export-not-found");
    let ended = crate::support::events_of(&app, id_of(&export)).await.pop().expect("an event");
    assert_eq!((ended.owner_id, ended.user_id, ended.version), (Some(alice.id()), None, 2));
}

#[tokio::test]
async fn who_dies_before_the_end_is_followed_by_another_with_the_same_file() {
    let app = TestApp::start().await;
    let alice = app.caller(Role::User);
    let export = of_three(&alice).await;
    app.db
        .run(
            "CREATE FUNCTION app.fail() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN RAISE 'the lights went out'; END $$;
             CREATE TRIGGER fail BEFORE UPDATE ON app.exports FOR EACH ROW
                 WHEN (NEW.status = 'completed') EXECUTE FUNCTION app.fail();",
        )
        .await;
    let event = request_of(&app, &export).await;
    assert_eq!(app.work(WORKER, std::slice::from_ref(&event)).await, [event.id]);
    // The file is there, and nobody is told of it.
    assert_eq!(fetch(&place_of(alice.id(), &export)).await.status, 200);
    assert_eq!(now(&alice, &export).await["status"], "running");
    assert_eq!(kinds(&app, &export).await, [Kind::ExportRequested]);

    alice.create(&json!({"title": "d"})).await;
    app.db.run("DROP TRIGGER fail ON app.exports").await;
    assert_eq!(app.work_raw(WORKER, &[(body_of(&event), 2)]).await, [0; 0]);
    let made = now(&alice, &export).await;
    assert_eq!((&made["status"], &made["rows"]), (&json!("completed"), &json!(4)));
    assert_eq!(
        file(&alice, &export).await.bytes,
        fetch(&place_of(alice.id(), &export)).await.bytes
    );
    assert_eq!(kinds(&app, &export).await, [Kind::ExportRequested, Kind::ExportCompleted]);
}

#[tokio::test]
async fn what_another_works_on_is_left_alone_until_the_lease_ends() {
    let app = TestApp::start().await;
    let alice = app.caller(Role::User);
    let export = of_three(&alice).await;
    let (id, other) = (id_of(&export), app.clock.new_id());
    app.db.rows("SELECT api.claim_export_v1($1, $2, 3600)", &[&id, &other]).await;
    let event = request_of(&app, &export).await;
    let before = everything(&app).await;
    assert_eq!(app.work(WORKER, std::slice::from_ref(&event)).await, [event.id]);
    assert_eq!(everything(&app).await, before);

    let sql = "UPDATE app.exports SET leased_until = clock_timestamp() WHERE id = $1";
    app.db.rows(sql, &[&id]).await;
    assert_eq!(app.work(WORKER, &[event]).await, DONE);
    assert_eq!(now(&alice, &export).await["status"], "completed");
    // Who had it before can do nothing with it any more.
    let sql =
        "SELECT api.finish_export_v1($1, $2, $2, 0, 0, NULL) OR api.renew_export_v1($1, $2, 60)";
    let late: bool = app.db.rows(sql, &[&id, &other]).await[0].get(0);
    assert!(!late);
}

#[tokio::test]
async fn who_loses_the_lease_stops_and_leaves_no_file() {
    let app = TestApp::start().await;
    let alice = app.caller(Role::User);
    let export = of_three(&alice).await;
    // Somebody else has it from the moment on in which it was taken.
    app.db
        .run(
            "CREATE FUNCTION app.steal() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN NEW.lease := gen_random_uuid(); RETURN NEW; END $$;
             CREATE TRIGGER steal BEFORE UPDATE ON app.exports FOR EACH ROW
                 WHEN (NEW.lease IS DISTINCT FROM OLD.lease) EXECUTE FUNCTION app.steal();",
        )
        .await;
    let event = request_of(&app, &export).await;
    assert_eq!(app.work(WORKER, std::slice::from_ref(&event)).await, [event.id]);
    assert_eq!(now(&alice, &export).await["status"], "running");
    assert_eq!(fetch(&place_of(alice.id(), &export)).await.status, 404);
    assert_eq!(kinds(&app, &export).await, [Kind::ExportRequested]);
}

#[tokio::test]
async fn who_was_shut_out_since_gets_nothing() {
    let app = TestApp::start().await;
    let (alice, admin) = (app.caller(Role::User), app.caller(Role::Admin));
    let export = of_three(&alice).await;
    let out = json!({"active": false});
    admin.patch(&format!("/v1/users/{}", alice.id()), &out).send().await.expect(200);
    make(&app, &export).await;
    let made = now(&admin, &export).await;
    assert_eq!(made["status"], "failed");
    assert_eq!(made["error"], "The account of whoever asked for it is deactivated.");
    assert_eq!(kinds(&app, &export).await, [Kind::ExportRequested, Kind::ExportFailed]);
    assert_eq!(fetch(&place_of(alice.id(), &export)).await.status, 404);
}

#[tokio::test]
async fn who_may_no_longer_see_everything_gets_no_more_links_to_it() {
    let app = TestApp::start().await;
    let admin = app.caller(Role::Admin);
    let everything = json!({"kind": "tasks", "format": "csv", "scope": "all"});
    let export = ask(&admin, &everything).await;
    make(&app, &export).await;
    assert!(now(&admin, &export).await["download_url"].is_string());
    let roles = vec!["user".to_owned()];
    let demoted = app.person(Person { realm_roles: roles, ..admin.person().clone() });
    let seen = now(&demoted, &export).await;
    assert_eq!((&seen["status"], &seen["download_url"]), (&json!("completed"), &Value::Null));
}

#[tokio::test]
async fn after_the_last_attempt_whoever_asked_is_told() {
    let env = vec![("EXPORTS_BUCKET", "there-is-no-such-bucket".to_owned())];
    let app = TestApp::with(Setup { env, ..Setup::default() }).await;
    let alice = app.caller(Role::User);
    let export = of_three(&alice).await;
    let body = body_of(&request_of(&app, &export).await);
    for receives in [1, 2] {
        assert_eq!(app.work_raw(WORKER, &[(body.clone(), receives)]).await, [0]);
        assert_eq!(now(&alice, &export).await["status"], "running");
        assert_eq!(app.take("task-exports-dlq").await, []);
    }
    assert_eq!(app.work_raw(WORKER, &[(body.clone(), 3)]).await, [0; 0]);
    let made = now(&alice, &export).await;
    assert_eq!(made["status"], "failed");
    assert_eq!(made["error"], "It could not be made. Ask for it again.");
    assert_eq!(kinds(&app, &export).await, [Kind::ExportRequested, Kind::ExportFailed]);
    let letters = app.take("task-exports-dlq").await;
    let reason = letters[0].1.as_deref().expect("a reason");
    assert!(letters.len() == 1 && reason.contains("NoSuchBucket"), "{reason}");
    // Somebody sends it again: it has ended.
    assert_eq!(app.work_raw(WORKER, &[(body, 1)]).await, [0; 0]);
    assert_eq!(now(&alice, &export).await, made);
}

#[tokio::test]
async fn what_takes_longer_than_a_function_may_ends_with_advice() {
    let app = TestApp::start().await;
    let alice = app.caller(Role::User);
    let export = of_three(&alice).await;
    let body = body_of(&request_of(&app, &export).await);
    app.queues().await;
    let workers = catalog::workers();
    let entry = workers.iter().find(|entry| entry.spec.name == WORKER).expect("the worker");
    let worker = (entry.prepare)(&app.env_of_worker(WORKER), app.clock.clone()).expect("settings");
    let record = json!({
        "messageId": "m", "receiptHandle": "r", "body": body,
        "attributes": {"ApproximateReceiveCount": "1"},
    });
    let soon = std::time::Duration::from_secs(10);
    let answer = worker.call(json!({"Records": [record]}), soon).await.expect("an answer");
    assert_eq!(answer["batchItemFailures"], json!([]));
    let made = now(&alice, &export).await;
    assert_eq!(made["status"], "failed");
    assert!(made["error"].as_str().is_some_and(|why| why.contains("Ask for less")), "{made}");
    assert_eq!(fetch(&place_of(alice.id(), &export)).await.status, 404);
}
