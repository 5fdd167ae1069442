//! The reader answers for what is the caller's own and has not changed since, and for nothing else.

use std::collections::BTreeMap;
use std::time::Duration;

use clock::Clock;
use config::defaults::{BREAKER_FIRST_PAUSE, BREAKER_PAUSE};
use domain::Role;
use futures_util::future::join_all;
use serde_json::{Value, json};
use services::StopMode;
use testing::{Call, Caller, Proxy, Reply, Setup, TestApp};
use tokio_postgres::Client;

use crate::cluster::{Cluster, answered_by_reader};
use crate::support::{path_of, statements};

/// Longer than any test.
const PAUSED: Duration = Duration::from_hours(1);
/// The title that only the primary knows.
const MARK: &str = "as the writer knows it";

/// The tasks in an answer, by their ids.
fn tasks_in(reply: &Reply) -> BTreeMap<String, Value> {
    let body = reply.json();
    let tasks = body["items"].as_array().cloned().unwrap_or_else(|| vec![body]);
    tasks.into_iter().map(|task| (task["id"].as_str().expect("an id").to_owned(), task)).collect()
}

fn titles_in(reply: &Reply) -> Vec<Value> {
    tasks_in(reply).values().map(|task| task["title"].clone()).collect()
}

async fn let_in(callers: &[&Caller<'_>]) {
    for caller in callers {
        caller.get("/v1/me").send().await.expect(200);
    }
}

/// The mark is a change that no counter tells of. Whoever does not see it was answered by the reader.
#[tokio::test]
async fn own_reads_come_from_the_reader_and_all_others_from_the_writer() {
    let cluster = Cluster::with_replica("reader-marked", Duration::ZERO).await;
    let (writer, reader) = cluster.proxies().await;
    let app = TestApp::uncached(cluster.setup_through(&writer, &reader)).await;
    let (alice, bob) = (app.caller(Role::User), app.caller(Role::User));
    let (admin, viewer) = (app.caller(Role::Admin), app.caller(Role::Viewer));
    let_in(&[&alice, &bob, &admin, &viewer]).await;
    let body = json!({"title": "as it was", "labels": ["a"], "assignee_id": bob.id()});
    let task = path_of(&alice.create(&body).await);
    let of_viewer = json!({"title": "as it was", "assignee_id": viewer.id()});
    alice.create(&of_viewer).await;
    cluster.caught_up().await;
    cluster.replica_delay(PAUSED).await;
    let mark = format!("UPDATE app.tasks SET title = '{MARK}'");
    cluster.admin().await.batch_execute(&mark).await.expect("a mark");

    // For a task its version tells whether the reader is as far, whoever asks; for a list, the counter of
    // whoever's it is.
    let own = [
        admin.get(&task),
        viewer.get(&task),
        alice.get(&task),
        alice.get("/v1/tasks"),
        alice.get("/v1/tasks?limit=5&sort=-priority"),
        alice.get(&format!("/v1/tasks?skip=0&label=a&assignee_id={}", bob.id())),
        bob.get(&task),
        bob.get("/v1/tasks?scope=assigned"),
        viewer.get("/v1/tasks?scope=assigned"),
    ];
    for call in &own {
        cluster.reader_answers(&app, &reader, call).await;
        let (by_reader, reply) = answered_by_reader(&reader, call).await;
        assert!(titles_in(&reply).iter().all(|title| title == "as it was"), "{}", reply.text());
        assert!(!titles_in(&reply).is_empty());
        assert!(by_reader);
    }
    let asked = reader.round_trips();
    for call in [
        admin.get("/v1/tasks?scope=all"),
        admin.get(&format!("/v1/tasks?user_id={}", alice.id())),
        admin.get(&format!("{task}?include_deleted=true")),
        viewer.get("/v1/tasks"),
    ] {
        let reply = call.send().await.expect(200);
        assert!(titles_in(&reply).iter().all(|title| title == MARK), "{}", reply.text());
        assert_eq!(statements(&reply), 1);
    }
    let users = admin.get("/v1/users?q=user").send().await.expect(200);
    assert_eq!((statements(&users), reader.round_trips()), (1, asked));

    // A change that is counted: from now on the reader is too old for both of them.
    let patch = alice.patch(&task, &json!({"priority": "high"}));
    assert_eq!(patch.send().await.expect(200).json()["title"], MARK);
    for call in &own[..own.len() - 1] {
        let reply = call.send().await.expect(200);
        assert!(titles_in(&reply).iter().all(|title| title == MARK), "{}", reply.text());
        assert_eq!(
            statements(&reply),
            2,
            "first the reader, which is too old, and then the writer"
        );
    }
}

/// What the primary has of somebody's tasks: ids and versions.
async fn truth(primary: &Client, column: &str, user: &Caller<'_>) -> BTreeMap<String, i64> {
    let sql = format!(
        "SELECT id::text, version FROM app.tasks WHERE {column} = $1 AND deleted_at IS NULL"
    );
    let rows = primary.query(&sql, &[&user.id()]).await.expect("rows");
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// The reader stands still, and everybody is answered as if there was none; with what is cached, too.
#[tokio::test]
async fn whoever_a_change_touches_sees_it_at_once_however_far_the_reader_is_behind() {
    let cluster = Cluster::with_replica("reader-behind", Duration::ZERO).await;
    let (writer, reader) = cluster.proxies().await;
    let setup = || cluster.setup_through(&writer, &reader);
    touched(&cluster, &reader, &TestApp::uncached(setup()).await).await;
    cluster.replica_delay(Duration::ZERO).await;
    touched(&cluster, &reader, &TestApp::with(setup()).await).await;
}

async fn touched(cluster: &Cluster, reader: &Proxy, app: &TestApp) {
    let admin = app.caller(Role::Admin);
    let users: Vec<_> = (0..5).map(|_| app.caller(Role::User)).collect();
    let_in(&users.iter().chain([&admin]).collect::<Vec<_>>()).await;
    let [alice, bob, carol, dave, erin] = &users[..] else { panic!("five users") };
    let mut tasks = Vec::new();
    for title in ["a", "b", "c"] {
        let body = json!({"title": title, "assignee_id": bob.id()});
        tasks.push(path_of(&alice.create(&body).await));
    }
    erin.create(&json!({"title": "untouched"})).await;
    cluster.caught_up().await;
    cluster.replica_delay(PAUSED).await;
    let primary = cluster.admin().await;

    let restore = format!("{}/restore", tasks[1]);
    let changes: [(Call<'_>, u16); 9] = [
        // Bob's status is alice's news; her assignment is bob's and carol's; the owner's change hers
        // and dave's.
        (bob.patch(&tasks[0], &json!({"status": "in_progress"})), 200),
        (alice.patch(&tasks[0], &json!({"assignee_id": carol.id()})), 200),
        (alice.patch(&tasks[0], &json!({"assignee_id": null})), 200),
        (admin.patch(&tasks[0], &json!({"user_id": dave.id()})), 200),
        (admin.delete(&tasks[1]), 204),
        (admin.call("POST", &restore), 200),
        (alice.put(&tasks[1], &json!({"title": "put", "status": "completed"})), 200),
        (dave.post("/v1/tasks", &json!({"title": "d", "assignee_id": carol.id()})), 201),
        (alice.patch(&tasks[2], &json!({"status": "completed"})), 200),
    ];
    for (change, status) in changes {
        change.send().await.expect(status);
        for user in &users {
            for (scope, column) in [("owned", "user_id"), ("assigned", "assignee_id")] {
                let list = user.get(&format!("/v1/tasks?scope={scope}")).send().await.expect(200);
                let shown: BTreeMap<_, _> = tasks_in(&list)
                    .into_iter()
                    .map(|(id, task)| (id, task["version"].as_i64().expect("a version")))
                    .collect();
                let true_ones = truth(&primary, column, user).await;
                assert_eq!(shown, true_ones, "{} {scope}", change.event.raw_path);
                assert_eq!(list.json()["total"], true_ones.len());
                for (id, version) in true_ones {
                    let one = user.get(&format!("/v1/tasks/{id}")).send().await.expect(200);
                    assert_eq!(one.json()["version"], version);
                }
            }
        }
        for task in &tasks {
            let sees = carol.get(task).send().await.status() == 200;
            let assigned = truth(&primary, "assignee_id", carol).await;
            assert_eq!(sees, assigned.keys().any(|id| task.ends_with(id)));
        }
    }
    // Nothing that happened was erin's: the reader still speaks for her. (A search is never cached.)
    assert!(answered_by_reader(reader, &erin.get("/v1/tasks?q=touched")).await.0);
}

#[tokio::test]
async fn who_is_shut_out_is_refused_at_once_though_the_reader_does_not_know_yet() {
    let cluster = Cluster::with_replica("reader-shut", Duration::ZERO).await;
    let (writer, reader) = cluster.proxies().await;
    let app = TestApp::uncached(cluster.setup_through(&writer, &reader)).await;
    let (alice, bob) = (app.caller(Role::User), app.caller(Role::User));
    let admin = app.caller(Role::Admin);
    let_in(&[&alice, &bob, &admin]).await;
    let task = path_of(&alice.create(&json!({"title": "x"})).await);
    cluster.caught_up().await;
    cluster.replica_delay(PAUSED).await;
    let reads = [alice.get("/v1/tasks"), alice.get(&task)];
    for read in &reads {
        cluster.reader_answers(&app, &reader, read).await;
    }
    let account = format!("/v1/users/{}", alice.id());
    admin.patch(&account, &json!({"active": false})).send().await.expect(200);
    for read in &reads {
        read.send().await.expect_problem("account-disabled");
    }
    admin.patch(&account, &json!({"active": true})).send().await.expect(200);
    for read in &reads {
        cluster.reader_answers(&app, &reader, read).await;
    }
    let token = app.issuer.mint_logout(alice.person());
    let logout = app.anonymous().call("POST", "/oidc/backchannel-logout");
    logout.form(&[("logout_token", &token)]).send().await.expect(200);
    for read in &reads {
        read.send().await.expect_problem("token-revoked");
    }
    bob.get("/v1/tasks").send().await.expect(200);
}

/// What happens to the reader.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Stopped(StopMode),
    Frozen,
}

#[tokio::test]
async fn a_reader_that_fails_costs_no_answer_and_is_left_alone_for_a_while() {
    let mut cluster = Cluster::with_replica("reader-down", Duration::ZERO).await;
    let (writer, reader) = cluster.proxies().await;
    for fault in
        [Fault::Stopped(StopMode::Fast), Fault::Stopped(StopMode::Immediate), Fault::Frozen]
    {
        let setup = cluster.setup_through(&writer, &reader);
        let app = TestApp::uncached(Setup { clock: Some(Clock::stopped()), ..setup }).await;
        let alice = app.caller(Role::User);
        let_in(&[&alice]).await;
        let task = json!({"title": "x", "assignee_id": alice.id()});
        let task = path_of(&alice.create(&task).await);
        cluster.caught_up().await;
        let list = alice.get("/v1/tasks");
        let reads = [list.clone(), alice.get(&task), alice.get("/v1/tasks?scope=assigned")];
        for read in &reads {
            cluster.reader_answers(&app, &reader, read).await;
        }

        match fault {
            Fault::Stopped(mode) => cluster.stop_replica(mode),
            Fault::Frozen => reader.delay(PAUSED),
        }
        // Each function finds that out for itself. Those who fail together are one failure.
        for reply in join_all(reads.iter().cycle().take(12).map(Call::send)).await {
            assert_eq!(tasks_in(&reply.expect(200)).len(), 1, "{fault:?}");
        }
        let mut attempts = reader.connections();
        for read in reads.iter().cycle().take(30) {
            let reply = read.send().await.expect(200);
            assert_eq!((tasks_in(&reply).len(), statements(&reply)), (1, 1), "{fault:?}");
        }
        assert_eq!(reader.connections(), attempts, "{fault:?}: it was not left alone");

        // Asked again after a while, and left alone for longer if that fails.
        for (asked_again, when) in [(true, "at first"), (false, "too soon"), (true, "then")] {
            app.clock.advance(BREAKER_FIRST_PAUSE);
            assert_eq!(tasks_in(&list.send().await.expect(200)).len(), 1, "{fault:?}");
            assert_eq!(reader.connections() > attempts, asked_again, "{fault:?} {when}");
            attempts = reader.connections();
        }

        match fault {
            Fault::Stopped(_) => cluster.start_replica(),
            Fault::Frozen => {
                reader.delay(Duration::ZERO);
                reader.cut();
            }
        }
        // What stands before it needs a moment to notice.
        cluster
            .until("the reader", async || {
                let health = app.anonymous().get("/health").send().await;
                health.json()["checks"]["replica"] == "up"
            })
            .await;
        app.clock.advance(BREAKER_PAUSE);
        cluster.reader_answers(&app, &reader, &list).await;
        for _ in 0..3 {
            assert!(answered_by_reader(&reader, &list).await.0, "{fault:?}");
        }
    }
}
