//! Whatever no other route takes.

use testing::{Reply, TestApp};

use super::{Named, RouteCases, case};

pub(crate) const ROUTE: RouteCases = RouteCases {
    route: "not-found",
    request: |caller, _| caller.get("/nothing/here"),
    names: Named::Nothing,
    own: &[
        case!("not-found", not_found),
        case!("method-not-allowed", method_not_allowed),
        case!("internal-error", misrouted),
    ],
};

async fn not_found(app: &TestApp) -> Reply {
    let reply = app.anonymous().get("/v1/nothing?at=all").send().await;
    assert_eq!(reply.json()["instance"], "/v1/nothing");
    reply
}

async fn method_not_allowed(app: &TestApp) -> Reply {
    let reply = app.anonymous().call("BREW", "/v1/tasks").send().await;
    assert!(reply.header("allow").unwrap().contains("POST"));
    let other = app.anonymous().call("DELETE", "/health").send().await;
    assert_eq!(other.header("allow"), Some("GET, HEAD"));
    reply
}

/// It touches nothing that could break: only the gateway can go wrong.
async fn misrouted(app: &TestApp) -> Reply {
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
