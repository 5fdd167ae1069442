//! Whatever no other route takes.

use testing::{Reply, TestApp};

use super::{Case, app, case};

pub(crate) const CASES: &[Case] = &[
    case!("not-found", "not-found", not_found),
    case!("not-found", "method-not-allowed", method_not_allowed),
    case!("not-found", "internal-error", internal_error),
];

async fn not_found() -> Reply {
    let app = app().await;
    let reply = app.anonymous().get("/v1/nothing?at=all").send().await;
    assert_eq!(reply.json()["instance"], "/v1/nothing");
    reply
}

async fn method_not_allowed() -> Reply {
    let app = app().await;
    let reply = app.anonymous().call("BREW", "/v1/tasks").send().await;
    assert!(reply.header("allow").unwrap().contains("POST"));
    let other = app.anonymous().call("DELETE", "/health").send().await;
    assert_eq!(other.header("allow"), Some("GET, HEAD"));
    reply
}

async fn internal_error() -> Reply {
    let app = app().await;
    let mut call = app.anonymous().get("/nothing");
    call.event.route_key = "GET /nothing".into();
    call.send().await
}

#[tokio::test]
async fn strange_paths_get_an_answer() {
    let app = TestApp::start().await;
    for path in
        ["/", "//", "/%00", "/a%20b", "/%ff%fe", "/..%2f..%2fetc", "/\u{1f600}", "/v1/tasks/"]
    {
        app.anonymous().get(path).send().await.expect_problem("not-found");
    }
}
