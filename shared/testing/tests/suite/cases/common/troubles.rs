//! What is wrong behind the request. Each takes an app of its own, breaks something, and mends it.

use std::time::Duration;

use config::defaults::RETRY_AFTER_AUTH;
use domain::Role;
use route::Kind;
use testing::{Proxy, Reply, Setup, TestApp, own_issuer, rig};

use crate::cases::subject::Subject;

/// The connections that a function of a test app has at most.
const CONNECTIONS: usize = 8;

/// The answer, and the app after it was mended.
pub(super) async fn meet(kind: Kind, subject: &Subject) -> Option<(TestApp, Reply)> {
    Some(match kind {
        Kind::AuthUnavailable => auth_unavailable(subject).await,
        Kind::DatabaseUnavailable => database_unavailable(subject).await,
        Kind::InternalError => internal_error(subject).await,
        Kind::Timeout => timeout(subject).await,
        _ => return None,
    })
}

async fn auth_unavailable(subject: &Subject) -> (TestApp, Reply) {
    let issuer = own_issuer();
    let app = TestApp::with(Setup { issuer: Some(issuer.clone()), ..Setup::default() }).await;
    let call = subject.call(&app, &app.caller(Role::Admin)).await;
    issuer.set_answering(false);
    let reply = call.send().await;
    assert_eq!(reply.header("retry-after"), Some("5"));
    issuer.set_answering(true);
    app.clock.advance(Duration::from_secs(RETRY_AFTER_AUTH.into()));
    (app, reply)
}

async fn database_unavailable(subject: &Subject) -> (TestApp, Reply) {
    let proxy = Proxy::to(rig().state.pgbouncer.port).await;
    let app = TestApp::behind(&proxy).await;
    let call = subject.call(&app, &app.caller(Role::Admin)).await;
    proxy.refuse(true);
    let reply = call.send().await;
    assert_eq!(reply.header("retry-after"), Some("1"));
    proxy.refuse(false);
    (app, reply)
}

/// The functions of the database are out of reach: a fault of ours, whichever the route calls.
async fn internal_error(subject: &Subject) -> (TestApp, Reply) {
    let app = TestApp::start().await;
    let call = subject.call(&app, &app.caller(Role::Admin)).await;
    app.db.run("REVOKE USAGE ON SCHEMA api FROM api_read, api_write").await;
    let reply = call.send().await;
    for word in ["_v1", "schema", "denied"] {
        assert!(!reply.text().contains(word), "the cause leaked: {}", reply.text());
    }
    app.db.run("GRANT USAGE ON SCHEMA api TO api_read, api_write").await;
    (app, reply)
}

/// Connected and warm; then no answer comes while the time runs out. The connection has a statement
/// on it and must not go back to the pool, which lends its connections in turn: one round meets all.
async fn timeout(subject: &Subject) -> (TestApp, Reply) {
    let proxy = Proxy::to(rig().state.pgbouncer.port).await;
    let app = TestApp::behind(&proxy).await;
    subject.works(&app).await;
    let call = subject.call(&app, &app.caller(Role::Admin)).await;
    proxy.delay(Duration::from_secs(30));
    let reply = call.within(Duration::from_millis(800)).send().await;
    proxy.delay(Duration::ZERO);
    for _ in 0..CONNECTIONS {
        subject.works(&app).await;
    }
    (app, reply)
}
