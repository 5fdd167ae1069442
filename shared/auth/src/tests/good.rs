//! Tokens that must be accepted, and what is read from them.

use domain::{Permission, Permissions, Role, RoleMap};
use serde_json::{Value, json};

use super::signer::{EC, RSA};
use super::*;
use crate::{Caller, Reason, judge};

fn caller(claims: &Value) -> Caller {
    judge(&RSA.token("RS256", claims), &key_set(&[&RSA]), &settings(), NOW).unwrap()
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims(NOW);
    claims[name] = value;
    claims
}

#[test]
fn a_person_is_recognised() {
    let caller = caller(&claims(NOW));
    assert_eq!(caller.sub.to_string(), SUB);
    assert_eq!(caller.sid.as_deref(), Some("b7e1c2d3-0a4f-4c55-8f0e-2d6a9b8c7d6e"));
    assert_eq!((caller.issued_at, caller.expires_at), (NOW, NOW + 300));
    assert_eq!(caller.username.as_ref().unwrap().expose(), "alice");
    assert_eq!(caller.name.as_ref().unwrap().expose(), "Alice Example");
    assert_eq!(caller.email.as_ref().unwrap().expose(), "alice@example.com");
    assert_eq!(caller.roles, [Role::User]);
    assert_eq!(caller.permissions, RoleMap::default().permissions(Role::User));
    let printed = format!("{caller:?}");
    assert!(!printed.contains("alice") && !printed.contains("Alice"), "{printed}");
}

#[test]
fn each_algorithm_is_good_when_it_is_allowed_and_refused_when_not() {
    let keys = key_set(&[&RSA, &EC]);
    for alg in Alg::ALL {
        let signer = if alg == Alg::Es256 { &EC } else { &RSA };
        let token = signer.token(alg.name(), &claims(NOW));
        for allowed in Alg::ALL {
            let settings = Settings { algorithms: vec![allowed], ..settings() };
            let judged = judge(&token, &keys, &settings, NOW).map(|_| ());
            let expected = if alg == allowed { Ok(()) } else { Err(Reason::Algorithm) };
            assert_eq!(judged, expected, "{alg:?} where {allowed:?} is allowed");
        }
    }
}

#[test]
fn harmless_variants_are_accepted() {
    let variants = [
        ("aud", json!("task-api")),
        ("aud", json!("fastapi-backend")),
        ("aud", json!(["fastapi-backend"])),
        ("exp", json!(NOW - 29)),
        ("exp", json!(1_800_000_300.5)),
        ("iat", json!(NOW + 30)),
        ("iat", json!(NOW - 24 * 3600 + 300)),
        ("nbf", json!(NOW + 30)),
        ("nbf", json!(0)),
        ("sid", json!("A".repeat(128))),
        ("sid", json!("session.of_one-1")),
        ("sub", json!(SUB.to_uppercase())),
        ("unknown", json!({"deep": [1, 2, {"er": null}]})),
    ];
    let keys = key_set(&[&RSA]);
    for (name, value) in variants {
        let mut claims = with(name, value.clone());
        if name == "exp" {
            claims["iat"] = json!(NOW - 300);
        }
        let judged = judge(&RSA.token("RS256", &claims), &keys, &settings(), NOW);
        assert!(judged.is_ok(), "{name} {value}: {judged:?}");
    }
    for typ in ["JWT", "jwt", "at+jwt", "AT+JWT"] {
        // Keys and addresses of keys that the token brings along are not even looked at.
        let header = json!({
            "alg": "RS256", "kid": RSA.kid, "typ": typ, "cty": "x", "jku": "https://evil.example",
            "x5u": 1, "jwk": EC.jwk(), "x5c": ["AAAA"],
        });
        let token = RSA.token_with(&header, &claims(NOW));
        assert!(judge(&token, &keys, &settings(), NOW).is_ok(), "{typ}");
    }
}

#[test]
fn a_person_may_have_no_name() {
    let mut claims = claims(NOW);
    for name in ["name", "email", "preferred_username", "scope", "realm_access", "azp"] {
        without(&mut claims, name);
    }
    let caller = caller(&claims);
    assert!(caller.username.is_none() && caller.name.is_none() && caller.email.is_none());
    assert_eq!((caller.roles, caller.permissions), (vec![], Permissions::NONE));
}

#[test]
fn a_service_account_needs_no_session() {
    let mut claims = service_claims(NOW);
    claims["scope"] = json!("tasks:read");
    let worker = caller(&claims);
    assert_eq!(worker.sid, None);
    assert_eq!(worker.permissions, Permissions::of([Permission::TasksRead]));
    claims["sid"] = json!("session-1");
    assert_eq!(caller(&claims).sid.as_deref(), Some("session-1"));
}

#[test]
fn the_listed_parties_are_accepted() {
    let settings = Settings {
        authorized_parties: vec!["cli".to_owned(), "task-web".to_owned()],
        ..settings()
    };
    assert!(judge(&good(NOW), &key_set(&[&RSA]), &settings, NOW).is_ok());
}

#[test]
fn roles_come_from_the_realm_and_from_our_clients_only() {
    let mut claims = claims(NOW);
    claims["realm_access"] = json!({"roles": ["user", "User", "root", "user"]});
    claims["resource_access"] = json!({
        "task-api": {"roles": ["viewer", "unknown"], "verify_caller": true},
        "other": {"roles": ["admin"]},
        "another": "of a shape that is not our business",
    });
    // Not where roles are.
    claims["roles"] = json!(["admin"]);
    claims["groups"] = json!(["admin"]);
    let caller = caller(&claims);
    assert_eq!(caller.roles, [Role::Viewer, Role::User]);
    let map = RoleMap::default();
    let both = map.permissions(Role::Viewer).union(map.permissions(Role::User));
    assert_eq!(caller.permissions, both);
}

#[test]
fn a_scope_narrows_what_the_roles_give() {
    let admin = RoleMap::default().permissions(Role::Admin);
    let mut claims = with("realm_access", json!({"roles": ["admin"]}));
    assert_eq!(caller(&claims).permissions, admin);
    claims["scope"] = json!("openid tasks:read tasks:write");
    let narrowed = Permissions::of([Permission::TasksRead, Permission::TasksWrite]);
    assert_eq!(caller(&claims).permissions, narrowed);
    claims["scope"] = json!("");
    assert_eq!(caller(&claims).permissions, admin);
}
