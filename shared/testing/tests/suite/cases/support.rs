//! The cases that every protected route has: the same trouble, met with another request.

use std::time::Duration;

use domain::Role;
use issuer::{Issuer, Realm};
use testing::{Call, Caller, Proxy, Reply, Setup, TestApp, rig};

/// A request of the route under test, by some caller.
pub(crate) type Request = for<'a> fn(&Caller<'a>) -> Call<'a>;

pub(crate) async fn unauthenticated(request: Request) -> Reply {
    let app = TestApp::start().await;
    let reply = request(&app.anonymous()).send().await;
    assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
    reply
}

pub(crate) async fn invalid_token(request: Request) -> Reply {
    let app = TestApp::start().await;
    let reply = request(&app.bearing("Bearer not.a.token")).send().await;
    assert_eq!(reply.header("www-authenticate"), Some("Bearer error=\"invalid_token\""));
    assert_eq!(reply.json()["detail"], "Invalid or expired token");
    reply
}

pub(crate) async fn forbidden(request: Request) -> Reply {
    let app = TestApp::start().await;
    let reply = request(&app.without_role()).send().await;
    assert!(reply.json()["required"].is_string());
    assert!(reply.header("www-authenticate").is_some_and(|h| h.contains("insufficient_scope")));
    reply
}

pub(crate) async fn token_revoked(request: Request) -> Reply {
    let app = TestApp::start().await;
    let caller = app.caller(Role::Admin);
    let sid = caller.person().sid.as_ref().expect("a session").to_string();
    app.db
        .rows(
            "INSERT INTO app.revocations (jti, session_id, not_before, expires_at)
             VALUES ('j', $1, now(), now() + interval '1 day')",
            &[&sid],
        )
        .await;
    request(&caller).send().await
}

pub(crate) async fn account_disabled(request: Request) -> Reply {
    let app = TestApp::start().await;
    let caller = app.caller(Role::Admin);
    app.db
        .rows(
            "INSERT INTO app.users (id, username, active) VALUES ($1, 'somebody', false)",
            &[&caller.id()],
        )
        .await;
    request(&caller).send().await
}

pub(crate) async fn auth_unavailable(request: Request) -> Reply {
    let realm = services::checkout().join("localstack/keycloak/task-manager-realm.json");
    let issuer = Issuer::start(Realm::read(&realm).unwrap(), "127.0.0.1:0".parse().unwrap());
    let issuer = issuer.expect("an issuer");
    let setup = Setup { issuer: Some(issuer.clone()), ..Setup::default() };
    let app = TestApp::with(setup).await;
    let caller = app.caller(Role::Admin);
    issuer.set_answering(false);
    let reply = request(&caller).send().await;
    assert_eq!(reply.header("retry-after"), Some("5"));
    reply
}

pub(crate) async fn database_unavailable(request: Request) -> Reply {
    let proxy = Proxy::to(rig().state.pgbouncer.port).await;
    let setup = Setup { database_port: Some(proxy.port()), ..Setup::default() };
    let app = TestApp::with(setup).await;
    proxy.refuse(true);
    let reply = request(&app.caller(Role::Admin)).send().await;
    assert_eq!(reply.header("retry-after"), Some("1"));
    reply
}

pub(crate) async fn timeout(request: Request) -> Reply {
    let proxy = Proxy::to(rig().state.pgbouncer.port).await;
    let setup = Setup { database_port: Some(proxy.port()), ..Setup::default() };
    let app = TestApp::with(setup).await;
    let caller = app.caller(Role::Admin);
    // Connected and warm; then no answer comes while the time runs out.
    let _ = request(&caller).send().await;
    proxy.delay(Duration::from_secs(30));
    request(&caller).within(Duration::from_millis(800)).send().await
}

/// The function of the database is gone: a fault of ours.
pub(crate) async fn internal_error(request: Request, breakage: &str) -> Reply {
    let app = TestApp::start().await;
    app.db.run(breakage).await;
    let reply = request(&app.caller(Role::Admin)).send().await;
    assert!(!reply.text().contains("_v1"), "the cause leaked: {}", reply.text());
    reply
}
