//! `PATCH /v1/users/{id}`.

use domain::Role;
use issuer::Person;
use serde_json::json;
use testing::{Reply, TestApp};

use super::{Named, RouteCases, case};
use crate::support::{events_of, everything};

pub(crate) const ROUTE: RouteCases = RouteCases {
    route: "users-update",
    request: |caller, address| caller.patch(address, &json!({"active": false})),
    names: Named::User,
    own: &[
        case!("200", deactivated_and_reactivated),
        case!("200", unchanged),
        case!("conflict", oneself),
    ],
};

async fn deactivated_and_reactivated(app: &TestApp) -> Reply {
    let (admin, bob) = (app.caller(Role::Admin), app.person(Person::new("bob", &["user"])));
    bob.get("/v1/me").send().await.expect(200);
    let path = format!("/v1/users/{}", bob.id());
    let set = async |active: bool| {
        let reply = admin.patch(&path, &json!({"active": active})).send().await.expect(200);
        let user = reply.json();
        let expected = json!({
            "id": bob.id(), "username": "bob", "name": "bob Tester", "email": "bob@example.com",
            "roles": ["user"], "active": active, "last_seen_at": user["last_seen_at"],
        });
        assert_eq!(user, expected);
        assert_eq!(reply.header("etag"), None);
        reply
    };
    set(false).await;
    bob.get("/v1/me").send().await.expect_problem("account-disabled");
    let reply = set(true).await;
    bob.get("/v1/me").send().await.expect(200);
    reply
}

/// Who is out is not put out again.
async fn unchanged(app: &TestApp) -> Reply {
    let (admin, bob) = (app.caller(Role::Admin), app.caller(Role::User));
    bob.get("/v1/me").send().await.expect(200);
    let path = format!("/v1/users/{}", bob.id());
    let set = async |active: bool| {
        admin.patch(&path, &json!({"active": active})).send().await.expect(200)
    };
    set(true).await;
    assert_eq!(events_of(app, bob.id()).await, []);
    let first = set(false).await;
    let before = everything(app).await;
    let reply = set(false).await;
    assert_eq!(reply.text(), first.text());
    assert_eq!(everything(app).await, before);
    assert_eq!(events_of(app, bob.id()).await.len(), 1);
    reply
}

/// Nobody locks the door behind themselves. That they are active they may say.
async fn oneself(app: &TestApp) -> Reply {
    let admin = app.caller(Role::Admin);
    let path = format!("/v1/users/{}", admin.id());
    let reply = admin.patch(&path, &json!({"active": false})).send().await;
    assert_eq!(reply.json()["detail"], "You cannot deactivate your own account.");
    admin.patch(&path, &json!({"active": true})).send().await.expect(200);
    assert_eq!(events_of(app, admin.id()).await, []);
    reply
}
