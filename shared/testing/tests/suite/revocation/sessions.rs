//! Logout, with Redis up, emptied, killed and frozen. T-REV-1 to 5.

use domain::Role;
use futures_util::future::join_all;
use issuer::Person;
use services::Redis;
use testing::TestApp;

use super::everywhere::{Everywhere, logout_of, logout_without};
use crate::redis_faults::breakable::{BUDGET, BreakableRedis, patient_cache, setup};
use crate::redis_faults::recovery::stale_of;
use crate::support::{patiently, say};

/// The same person in another session.
fn elsewhere(person: &Person) -> Person {
    Person { sid: Person::new("x", &[]).sid, ..person.clone() }
}

/// T-REV-1 and 2.
#[tokio::test]
async fn after_a_logout_every_warm_process_refuses_the_token_also_when_redis_forgets() {
    let redis = BreakableRedis::start("revocation-flushed");
    let app = TestApp::with(setup(redis.port(), "5000")).await;
    let everywhere = Everywhere::start(&app);
    let here = app.caller(Role::User);
    let there = app.person(elsewhere(here.person()));
    let task = everywhere.warm(&here, &redis).await;
    everywhere.warm(&there, &redis).await;

    patiently(&logout_of(&app, here.person())).await.expect(200);
    everywhere.refuse(&here, &task, "token-revoked").await;
    everywhere.let_in(&there, &task).await;
    everywhere.refuse(&here, &task, "token-revoked").await;
    for _ in 0..3 {
        redis.does(|redis| redis.flush()).await;
        everywhere.refuse(&here, &task, "token-revoked").await;
        everywhere.let_in(&there, &task).await;
    }
}

/// T-REV-3.
#[tokio::test]
async fn a_logout_without_redis_holds_when_redis_comes_back() {
    let redis = BreakableRedis::start("revocation-killed");
    let app = TestApp::with(setup(redis.port(), BUDGET)).await;
    let everywhere = Everywhere::start(&app);
    let alice = app.caller(Role::User);
    let task = everywhere.warm(&alice, &redis).await;
    redis.does(Redis::stop).await;
    patiently(&logout_of(&app, alice.person())).await.expect(200);
    everywhere.refuse(&alice, &task, "token-revoked").await;
    redis.does(Redis::start).await;
    for _ in 0..3 {
        everywhere.refuse(&alice, &task, "token-revoked").await;
    }
}

/// The exception: what Redis remembers from before, it may vouch for until the logout's event was
/// played. While it answers nobody, nobody is let in.
#[tokio::test]
async fn a_logout_that_redis_could_not_be_told_holds_once_its_event_is_played() {
    let redis = BreakableRedis::start("revocation-frozen");
    let app = TestApp::with(setup(redis.port(), BUDGET)).await;
    let everywhere = Everywhere::start(&app);
    let alice = app.caller(Role::User);
    let task = everywhere.warm(&alice, &redis).await;
    redis.does(Redis::freeze).await;
    patiently(&logout_of(&app, alice.person())).await.expect(200);
    everywhere.refuse(&alice, &task, "token-revoked").await;
    redis.does(Redis::thaw).await;
    let answers = everywhere.answers(&alice, &task).await;
    let let_in = answers.iter().filter(|reply| reply.status() < 300).count();
    say(&format!("X24: {let_in} of {} processes let them in before the event", answers.len()));

    let sql = "SELECT payload FROM app.outbox WHERE type = 'session.revoked'";
    let [event] = &app.db.rows(sql, &[]).await[..] else { panic!("not one event") };
    assert!(patient_cache(&app).drop(&[stale_of(&event.get(0))]).await);
    for _ in 0..3 {
        everywhere.refuse(&alice, &task, "token-revoked").await;
    }
}

/// T-REV-4.
#[tokio::test]
async fn a_logout_token_that_was_used_has_no_second_effect() {
    let app = TestApp::start().await;
    let effects = async || {
        let rows = app.db.count("SELECT count(*) FROM app.revocations", &[]).await;
        let events = "SELECT count(*) FROM app.outbox WHERE type = 'session.revoked'";
        (rows, app.db.count(events, &[]).await)
    };
    let alice = app.caller(Role::User);
    let once = logout_of(&app, alice.person());
    once.send().await.expect(200);
    for _ in 0..3 {
        // Also so that all connections are made before the race.
        for reply in join_all((0..16).map(|_| patiently(&once))).await {
            assert_eq!(reply.expect_problem("invalid-logout-token").status(), 400);
        }
        assert_eq!(effects().await, (1, 1));
    }
    for round in 2..12 {
        let bob = app.caller(Role::User);
        let call = logout_of(&app, bob.person());
        let replies = join_all((0..16).map(|_| call.send())).await;
        let done = replies.iter().filter(|reply| reply.status() == 200).count();
        assert_eq!(done, 1);
        for reply in replies.into_iter().filter(|reply| reply.status() != 200) {
            assert_eq!(reply.expect_problem("invalid-logout-token").status(), 400);
        }
        assert_eq!(effects().await, (round, round));
        bob.get("/v1/me").send().await.expect_problem("token-revoked");
    }
}

/// T-REV-5.
#[tokio::test]
async fn a_logout_of_a_user_ends_all_their_sessions_and_none_that_begins_later() {
    let redis = BreakableRedis::start("revocation-user");
    let app = TestApp::with(setup(redis.port(), "5000")).await;
    let everywhere = Everywhere::start(&app);
    let before = Person { issued_in: -1, ..Person::new("alice", &["user"]) };
    let sessions = [before.clone(), elsewhere(&before)].map(|person| app.person(person));
    let mut task = String::new();
    for session in &sessions {
        task = everywhere.warm(session, &redis).await;
    }
    patiently(&logout_without(&app, &before, "sid")).await.expect(200);
    for session in &sessions {
        everywhere.refuse(session, &task, "token-revoked").await;
    }
    let later = app.person(Person { issued_in: 2, ..elsewhere(&before) });
    everywhere.let_in(&later, &task).await;
    redis.does(|redis| redis.flush()).await;
    everywhere.let_in(&later, &task).await;
    for session in &sessions {
        everywhere.refuse(session, &task, "token-revoked").await;
    }
}

/// A token that names a session and nobody does not say whom Redis is to forget: for as long as it
/// remembers how they stood, it vouches for them.
#[tokio::test]
async fn a_logout_of_a_session_that_names_nobody_holds_once_the_database_is_asked() {
    let redis = BreakableRedis::start("revocation-session");
    let app = TestApp::with(setup(redis.port(), "5000")).await;
    let everywhere = Everywhere::start(&app);
    let alice = app.caller(Role::User);
    let task = everywhere.warm(&alice, &redis).await;
    patiently(&logout_without(&app, alice.person(), "sub")).await.expect(200);
    let answers = everywhere.answers(&alice, &task).await;
    let let_in = answers.iter().filter(|reply| reply.status() < 300).count();
    say(&format!("X24: {let_in} of {} processes let them in before that", answers.len()));
    redis.ask(&["DEL", &format!("rv:{{u:{}}}", alice.id())]).await;
    for _ in 0..3 {
        everywhere.refuse(&alice, &task, "token-revoked").await;
    }
}
