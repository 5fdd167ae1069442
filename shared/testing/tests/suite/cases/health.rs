//! `GET /health`.

use serde_json::json;
use testing::{Proxy, Reply, Setup, TestApp, rig};

use super::{Named, RouteCases, case};
use crate::support::no_queue;

pub(crate) const ROUTE: RouteCases = RouteCases {
    route: "health",
    request: |caller, address| caller.get(address),
    names: Named::Nothing,
    own: &[
        case!("200", well),
        case!("503", down),
        case!("validation-failed", unknown_parameter),
        case!("internal-error", misrouted),
    ],
};

async fn well(app: &TestApp) -> Reply {
    let reply = app.anonymous().get("/health").send().await;
    let body = reply.json();
    assert_eq!(body["status"], "ok");
    assert_eq!(
        body["checks"],
        json!({"database": "up", "replica": "none", "redis": "up", "queue": "up"})
    );
    reply
}

async fn down(_: &TestApp) -> Reply {
    let proxy = Proxy::to(rig().state.pgbouncer.port).await;
    let app = TestApp::behind(&proxy).await;
    proxy.refuse(true);
    let reply = app.anonymous().get("/health").send().await;
    assert_eq!(reply.json()["checks"]["database"], "down");
    assert_eq!(reply.header("retry-after"), Some("1"));
    proxy.refuse(false);
    app.anonymous().get("/health").send().await.expect(200);
    reply
}

async fn unknown_parameter(app: &TestApp) -> Reply {
    app.anonymous().get("/health?verbose=1").send().await
}

/// The gateway sends what belongs to another function: the template is wrong. No other fault of ours
/// shows here: a database that refuses is down.
async fn misrouted(app: &TestApp) -> Reply {
    let mut call = app.anonymous().get("/health");
    call.event.route_key = "POST /v1/tasks".into();
    call.send().await
}

#[tokio::test]
async fn a_reader_that_is_down_only_degrades() {
    let dead = services::free_port().expect("a port");
    let url = format!("postgres://127.0.0.1:{dead}/tasks");
    let setup = Setup { env: vec![("DATABASE_READER_URL", url)], ..Setup::default() };
    let app = TestApp::with(setup).await;
    let body = app.anonymous().get("/health").send().await.expect(200).json();
    assert_eq!(body["status"], "degraded");
    assert_eq!(
        body["checks"],
        json!({"database": "up", "replica": "down", "redis": "up", "queue": "up"})
    );
}

#[tokio::test]
async fn a_cache_that_is_down_only_degrades() {
    let setup = Setup { redis_port: services::free_port().ok(), ..Setup::default() };
    let app = TestApp::with(setup).await;
    let body = app.anonymous().get("/health").send().await.expect(200).json();
    assert_eq!(body["status"], "degraded");
    assert_eq!(
        body["checks"],
        json!({"database": "up", "replica": "none", "redis": "down", "queue": "up"})
    );
}

#[tokio::test]
async fn a_queue_that_is_down_only_degrades() {
    let setup = Setup { env: vec![("OUTBOX_QUEUE_URL", no_queue())], ..Setup::default() };
    let app = TestApp::with(setup).await;
    let body = app.anonymous().get("/health").send().await.expect(200).json();
    assert_eq!(body["status"], "degraded");
    let checks = json!({"database": "up", "replica": "none", "redis": "up", "queue": "down"});
    assert_eq!(body["checks"], checks);
}
