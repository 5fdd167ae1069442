//! Whether the tests go where they are said to go.

use testing::{TestApp, goes_over_http, sent_over_http};

/// `make test-http` would otherwise be `make test` once more, and nobody would notice.
#[tokio::test]
async fn requests_go_over_http_exactly_if_that_is_wanted() {
    let app = TestApp::start().await;
    app.anonymous().get("/health").send().await.expect(200);
    assert_eq!(sent_over_http() > 0, goes_over_http());
}
