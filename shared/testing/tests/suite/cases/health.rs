//! `GET /health`.

use serde_json::json;
use testing::{Proxy, Reply, Setup, TestApp, rig};

use super::{Case, app, case};

pub(crate) const CASES: &[Case] = &[
    case!("health", "200", well),
    case!("health", "503", down),
    case!("health", "validation-failed", validation_failed),
    case!("health", "internal-error", internal_error),
    case!("health", "timeout", timeout),
];

async fn well() -> Reply {
    let app = app().await;
    let reply = app.anonymous().get("/health").send().await;
    let body = reply.json();
    assert_eq!(body["status"], "ok");
    assert_eq!(body["checks"], json!({"database": "up", "replica": "none"}));
    reply
}

async fn down() -> Reply {
    let proxy = Proxy::to(rig().state.pgbouncer.port).await;
    let setup = Setup { database_port: Some(proxy.port()), ..Setup::default() };
    let app = TestApp::with(setup).await;
    proxy.refuse(true);
    let reply = app.anonymous().get("/health").send().await;
    assert_eq!(reply.json()["checks"]["database"], "down");
    assert_eq!(reply.header("retry-after"), Some("1"));
    proxy.refuse(false);
    app.anonymous().get("/health").send().await.expect(200);
    reply
}

async fn validation_failed() -> Reply {
    let app = app().await;
    app.anonymous().get("/health?verbose=1").send().await
}

/// The gateway sends what belongs to another function: the template is wrong.
async fn internal_error() -> Reply {
    let app = app().await;
    let mut call = app.anonymous().get("/health");
    call.event.route_key = "POST /v1/tasks".into();
    call.send().await
}

async fn timeout() -> Reply {
    let proxy = Proxy::to(rig().state.pgbouncer.port).await;
    let setup = Setup { database_port: Some(proxy.port()), ..Setup::default() };
    let app = TestApp::with(setup).await;
    proxy.delay(std::time::Duration::from_secs(30));
    let time = std::time::Duration::from_millis(700);
    app.anonymous().get("/health").within(time).send().await
}

#[tokio::test]
async fn a_reader_that_is_down_only_degrades() {
    let dead = services::free_port().expect("a port");
    let url = format!("postgres://127.0.0.1:{dead}/tasks");
    let setup = Setup { env: vec![("DATABASE_READER_URL", url)], ..Setup::default() };
    let app = TestApp::with(setup).await;
    let body = app.anonymous().get("/health").send().await.expect(200).json();
    assert_eq!(body["status"], "degraded");
    assert_eq!(body["checks"], json!({"database": "up", "replica": "down"}));
}
