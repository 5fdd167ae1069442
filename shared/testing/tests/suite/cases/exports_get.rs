//! `GET /v1/exports/{id}`.

use domain::Role;
use serde_json::json;
use testing::{Reply, TestApp};

use super::{Named, RouteCases, case};
use crate::support::export_of;

pub(crate) const ROUTE: RouteCases = RouteCases {
    route: "exports-get",
    request: |caller, address| caller.get(address),
    names: Named::Export,
    own: &[
        case!("200", unfinished),
        case!("200", finished),
        case!("200", expired),
        case!("export-not-found", of_somebody_else),
    ],
};

/// There is something to wait for, and the answer says for how long.
async fn unfinished(app: &TestApp) -> Reply {
    let alice = app.caller(Role::User);
    let id = export_of(app, alice.id()).await;
    let path = format!("/v1/exports/{id}");
    let reply = alice.get(&path).send().await.expect(200);
    assert_eq!(reply.header("retry-after"), Some("2"));
    assert_eq!(reply.json()["status"], "requested");
    let sql = "SELECT api.claim_export_v1($1, $1, 60)";
    app.db.rows(sql, &[&id]).await;
    let reply = alice.get(&path).send().await.expect(200);
    assert_eq!(reply.header("retry-after"), Some("2"));
    assert_eq!(reply.json()["status"], "running");
    assert_eq!(reply.json()["download_url"], json!(null));
    reply
}

async fn finished(app: &TestApp) -> Reply {
    let alice = app.caller(Role::User);
    let id = export_of(app, alice.id()).await;
    finish(app, id).await;
    let reply = alice.get(&format!("/v1/exports/{id}")).send().await.expect(200);
    let export = reply.json();
    assert_eq!(reply.header("retry-after"), None);
    assert_eq!((&export["status"], &export["rows"]), (&json!("completed"), &json!(3)));
    let url = export["download_url"].as_str().expect("an address");
    let place = format!("/exports/{}/{id}.csv?", alice.id());
    assert!(url.contains(&place) && url.contains("X-Amz-Expires=900"), "{url}");
    reply
}

/// Its time is up, whether or not somebody has written that down.
async fn expired(app: &TestApp) -> Reply {
    let alice = app.caller(Role::User);
    let id = export_of(app, alice.id()).await;
    finish(app, id).await;
    let sql = "UPDATE app.exports SET expires_at = now() WHERE id = $1";
    app.db.rows(sql, &[&id]).await;
    let show = async || alice.get(&format!("/v1/exports/{id}")).send().await.expect(200);
    let reply = show().await;
    assert_eq!(reply.json()["status"], "expired");
    assert_eq!(reply.json()["download_url"], json!(null));
    app.db.count("SELECT api.expire_exports_v1(1000)::bigint", &[]).await;
    let sql = "SELECT count(*) FROM app.exports WHERE id = $1 AND status = 'expired'";
    assert_eq!(app.db.count(sql, &[&id]).await, 1);
    assert_eq!(show().await.text(), reply.text());
    reply
}

async fn of_somebody_else(app: &TestApp) -> Reply {
    let (bob, viewer) = (app.caller(Role::User), app.caller(Role::Viewer));
    let id = export_of(app, app.clock.new_id()).await;
    finish(app, id).await;
    let path = format!("/v1/exports/{id}");
    app.caller(Role::Admin).get(&path).send().await.expect(200);
    // Who may read every task may not read what others make of theirs.
    viewer.get(&path).send().await.expect_problem("export-not-found");
    bob.get(&path).send().await
}

/// Ends it, without a file.
async fn finish(app: &TestApp, id: uuid::Uuid) {
    app.db.rows("SELECT api.claim_export_v1($1, $1, 60)", &[&id]).await;
    let event = app.clock.new_id();
    let sql = "SELECT api.finish_export_v1($1, $1, $2, 3, 30, NULL)";
    app.db.rows(sql, &[&id, &event]).await;
}
