//! A repeated request has one effect and one answer: what `mutations` does not show for all of them.

use domain::Role;
use serde_json::json;
use testing::{Proxy, TestApp, rig};

#[tokio::test]
async fn a_request_in_other_words_is_the_same_request() {
    let app = TestApp::start().await;
    let alice = app.caller(Role::User);
    let body = json!({"title": "x", "labels": ["a"]});
    let first = alice.post("/v1/tasks", &body).key("k").send().await.expect(201);
    assert_eq!(first.header("idempotency-replayed"), None);
    for (path, key, text) in [
        ("/v1/tasks", "k", r#"{"title":"x","labels":["a"]}"#),
        ("/v1/tasks", "\"k\"", r#"{"title":"x","labels":["a"]}"#),
        ("/tasks", "k", "{ \"labels\" : [\"a\"],\n\"title\" : \"\\u0078\" }"),
    ] {
        let again = alice.call("POST", path).json(text).key(key).send().await.expect(201);
        assert_eq!(again.text(), first.text());
        for header in ["location", "etag", "content-type"] {
            assert_eq!(again.header(header), first.header(header), "{header}");
        }
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
    }
    assert_eq!(app.db.count("SELECT count(*) FROM app.tasks", &[]).await, 1);
    assert_eq!(app.db.count("SELECT count(*) FROM app.outbox", &[]).await, 1);
}

#[tokio::test]
async fn an_expired_record_is_taken_over_whole() {
    let app = TestApp::start().await;
    let alice = app.caller(Role::User);
    let post = |title: &str| alice.post("/v1/tasks", &json!({ "title": title })).key("k");
    let old = post("old").send().await.expect(201);
    app.db.run("UPDATE app.idempotency SET expires_at = now(), status = 299").await;
    let new = post("new").send().await.expect(201);
    assert_ne!(new.text(), old.text());
    assert_eq!(post("new").send().await.text(), new.text());
    post("old").send().await.expect_problem("idempotency-key-reused");
    let row = &app.db.rows("SELECT status, hits FROM app.idempotency", &[]).await[0];
    assert_eq!((row.get::<_, i32>(0), row.get::<_, i32>(1)), (201, 2));
}

/// The commit happened, its answer was lost on the way: the function asks again by itself, and
/// finds its own task instead of making a second one.
#[tokio::test]
async fn a_lost_answer_is_found_again_with_and_without_a_key() {
    let proxy = Proxy::to(rig().state.pgbouncer.port).await;
    let app = TestApp::behind(&proxy).await;
    let alice = app.caller(Role::User);
    // The connection must be past its handshake before its answers can be dropped.
    for _ in 0..5 {
        alice.create(&json!({"title": "warm"})).await;
    }
    for key in [None, Some("k")] {
        let lost = proxy.dropped();
        let tasks = app.db.count("SELECT count(*) FROM app.tasks", &[]).await;
        proxy.drop_next_answers(1);
        let call = alice.post("/v1/tasks", &json!({"title": "x"}));
        let call = key.map_or_else(|| call.clone(), |key| call.clone().key(key));
        let reply = call.send().await.expect(201);
        assert_eq!(reply.header("idempotency-replayed"), None);
        assert_eq!(proxy.dropped(), lost + 1);
        assert_eq!(app.db.count("SELECT count(*) FROM app.tasks", &[]).await, tasks + 1);
        for _ in 0..5 {
            alice.create(&json!({"title": "warm again"})).await;
        }
    }
}
