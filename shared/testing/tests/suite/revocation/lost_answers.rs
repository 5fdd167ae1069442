//! A logout or a deactivation was made, and nobody was told: neither who asked for it nor Redis. Whoever
//! asks again is told, and so is Redis.

use std::time::Duration;

use domain::Role;
use futures_util::future::join;
use serde_json::json;
use testing::{Call, Caller, Proxy, TestApp, rig};
use tokio::time::timeout;

use super::everywhere::logout_of;
use crate::support::patiently;

const PATIENCE: Duration = Duration::from_secs(20);
/// After so many calls a connection has had turns enough for the proxy to drop answers on it.
const CALLS: usize = 12;

/// Has a call made whose answer of the database is lost, and then the database.
async fn lose_the_answer(proxy: &Proxy, call: &Call<'_>) {
    let before = proxy.dropped();
    proxy.drop_next_answers(1);
    let lose = timeout(PATIENCE, async {
        while proxy.dropped() == before {
            tokio::task::yield_now().await;
        }
        proxy.refuse(true);
    });
    let (reply, done) = join(call.send(), lose).await;
    done.expect("an answer is lost");
    proxy.refuse(false);
    reply.expect_problem("database-unavailable");
}

/// Somebody for whom Redis vouches.
async fn somebody(app: &TestApp) -> Caller<'_> {
    let bob = app.caller(Role::User);
    for _ in 0..2 {
        patiently(&bob.get("/v1/tasks")).await.expect(200);
    }
    bob
}

#[tokio::test]
async fn a_logout_whose_answer_was_lost_holds_once_it_is_repeated() {
    let proxy = Proxy::to(rig().state.pgbouncer.port).await;
    let app = TestApp::behind(&proxy).await;
    let bob = somebody(&app).await;
    for _ in 0..CALLS {
        patiently(&logout_of(&app, app.caller(Role::User).person())).await.expect(200);
    }
    let logout = logout_of(&app, bob.person());
    lose_the_answer(&proxy, &logout).await;
    patiently(&logout).await.expect_problem("invalid-logout-token");
    patiently(&bob.get("/v1/tasks")).await.expect_problem("token-revoked");
}

#[tokio::test]
async fn a_deactivation_whose_answer_was_lost_holds_once_it_is_repeated() {
    let proxy = Proxy::to(rig().state.pgbouncer.port).await;
    let app = TestApp::behind(&proxy).await;
    let (admin, bob) = (app.caller(Role::Admin), somebody(&app).await);
    let path = format!("/v1/users/{}", bob.id());
    for (key, active) in [("shut", false), ("open", true)] {
        for _ in 0..CALLS {
            patiently(&admin.patch(&path, &json!({"active": !active}))).await.expect(200);
        }
        patiently(&bob.get("/v1/tasks")).await;
        let set = admin.patch(&path, &json!({"active": active})).key(key);
        lose_the_answer(&proxy, &set).await;
        let reply = patiently(&set).await.expect(200);
        assert_eq!(reply.json()["active"], active);
        let reply = patiently(&bob.get("/v1/tasks")).await;
        let expected = if active { None } else { Some("account-disabled") };
        assert_eq!(reply.code().as_deref(), expected, "{}", reply.text());
    }
}
