//! `GET /v1/me`.

use domain::{Role, RoleMap};
use issuer::Person;
use serde_json::json;
use testing::{Reply, TestApp};

use super::{Named, RouteCases, case};

pub(crate) const ROUTE: RouteCases = RouteCases {
    route: "me-get",
    request: |caller, address| caller.get(address),
    names: Named::Nothing,
    own: &[case!("200", shown), case!("200", of_each_role), case!("200", what_a_new_token_says)],
};

/// The first call makes somebody known, and everything is as it is by default.
async fn shown(app: &TestApp) -> Reply {
    let alice = app.person(Person {
        first_name: Some("Alice".into()),
        last_name: Some("Liddell".into()),
        ..Person::new("alice", &["user", "offline_access"])
    });
    let rows = "SELECT count(*) FROM app.users WHERE id = $1";
    assert_eq!(app.db.count(rows, &[&alice.id()]).await, 0);
    let reply = alice.get("/v1/me").send().await.expect(200);
    assert_eq!(app.db.count(rows, &[&alice.id()]).await, 1);
    let me = reply.json();
    let expected = json!({
        "id": alice.id(), "username": "alice", "name": "Alice Liddell",
        "email": "alice@example.com", "roles": ["user"], "active": true,
        "last_seen_at": me["last_seen_at"],
        "permissions": ["tasks:read", "tasks:write", "metrics:read"],
        "notifications": {
            "email": true, "own_actions": true,
            "events": {
                "task.created": true, "task.status_changed": true, "task.completed": true,
                "task.assigned": true, "export.completed": true,
            },
        },
        "time_zone": "UTC",
    });
    assert_eq!(me, expected);
    assert!(me["last_seen_at"].as_str().is_some_and(|time| time.ends_with('Z')), "{me}");
    // Nothing that clients could compare: it changes without them.
    assert_eq!(reply.header("etag"), None);
    reply
}

/// The permissions are what the roles of the token give, less what its scopes leave out.
async fn of_each_role(app: &TestApp) -> Reply {
    let mut last = None;
    for role in Role::ALL {
        let permissions: Vec<_> =
            RoleMap::default().permissions(role).iter().map(domain::Permission::name).collect();
        let reply = app.caller(role).get("/v1/me").send().await.expect(200);
        assert_eq!(reply.json()["roles"], json!([role.name()]));
        assert_eq!(reply.json()["permissions"], json!(permissions));
        last = Some(reply);
    }
    let narrow = Person { scope: "openid tasks:read".into(), ..Person::new("admin", &["admin"]) };
    let me = app.person(narrow).get("/v1/me").send().await.expect(200).json();
    assert_eq!((&me["roles"], &me["permissions"]), (&json!(["admin"]), &json!(["tasks:read"])));
    last.expect("a reply")
}

/// The identity provider owns the account: whatever a later token says counts. What it does not say stays
/// as it was, because a client may ask for less; roles are always said.
async fn what_a_new_token_says(app: &TestApp) -> Reply {
    let first = Person::new("alice", &["user"]);
    app.person(first.clone()).get("/v1/me").send().await.expect(200);
    let later = Person {
        username: "alice-liddell".into(),
        email: Some("alice@example.org".into()),
        first_name: None,
        last_name: Some("Liddell".into()),
        realm_roles: vec!["viewer".into()],
        ..first.clone()
    };
    let reply = app.person(later.clone()).get("/v1/me").send().await.expect(200);
    let me = reply.json();
    assert_eq!(me["id"], json!(first.sub));
    assert_eq!((&me["username"], &me["name"]), (&json!("alice-liddell"), &json!("Liddell")));
    assert_eq!((&me["email"], &me["roles"]), (&json!("alice@example.org"), &json!(["viewer"])));

    let says_less = Person {
        email: None,
        first_name: None,
        last_name: None,
        realm_roles: vec!["viewer".into(), "user".into()],
        ..later
    };
    let after = app.person(says_less).get("/v1/me").send().await.expect(200).json();
    assert_eq!((&after["name"], &after["email"]), (&me["name"], &me["email"]));
    assert_eq!(after["roles"], json!(["viewer", "user"]));
    reply
}
