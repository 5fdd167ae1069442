//! Logout tokens: what is read from a good one, and what makes one bad.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::issuer::Issuer;
use super::signer::{EC, RSA, RSA_2};
use super::*;
use crate::{Logout, Reason, judge, judge_logout};

/// The reasons that only a logout token can give.
pub(super) const REASONS: [Reason; 5] =
    [Reason::Events, Reason::Nonce, Reason::TokenId, Reason::Stale, Reason::Nobody];
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

fn token(claims: &Value) -> String {
    RSA.token_with(&logout_header("RS256", &RSA.kid), claims)
}

fn judged_by(settings: &Settings, token: &str) -> Result<Logout, Reason> {
    judge_logout(token, &key_set(&[&RSA, &EC]), settings, NOW)
}

fn judged(claims: &Value) -> Result<Logout, Reason> {
    judged_by(&settings(), &token(claims))
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = logout_claims(NOW);
    claims[name] = value;
    claims
}

fn lacking(names: &[&str]) -> Value {
    let mut claims = logout_claims(NOW);
    for name in names {
        without(&mut claims, name);
    }
    claims
}

/// Settings that take the older type too.
fn plain_type() -> Settings {
    Settings { plain_logout_type: true, ..settings() }
}

#[test]
fn a_good_one_says_who_has_signed_out_and_where() {
    let expected = Logout {
        jti: "Sf1hZ6uOMvqPyZDgYyq_8Q".to_owned(),
        sub: Some(SUB.parse().unwrap()),
        sid: Some("b7e1c2d3-0a4f-4c55-8f0e-2d6a9b8c7d6e".to_owned()),
        issued_at: NOW,
        expires_at: NOW + 120,
    };
    assert_eq!(judged(&logout_claims(NOW)), Ok(expected.clone()));
    let nobody = Logout { sub: None, ..expected.clone() };
    assert_eq!(judged(&lacking(&["sub"])), Ok(nobody));
    let everywhere = Logout { sid: None, ..expected };
    assert_eq!(judged(&lacking(&["sid"])), Ok(everywhere));
}

#[test]
fn harmless_variants_are_accepted() {
    let variants = [
        ("aud", json!(["account", "fastapi-backend"])),
        ("exp", json!(NOW + 24 * 3600)),
        ("exp", json!(NOW + 1)),
        ("iat", json!(NOW + 30)),
        ("iat", json!(NOW - 23 * 3600)),
        ("nbf", json!(NOW + 30)),
        ("jti", json!("x")),
        ("jti", json!("~".repeat(128))),
        ("jti", json!("onrtlo:8a7e6c1d-93a8-4a31-9a0f-4a1d7f1f1f10")),
        ("sid", json!("A".repeat(128))),
        ("sub", json!(SUB.to_uppercase())),
        ("events", json!({EVENT: {}, "revoke_offline_access": true})),
        ("events", json!({EVENT: {"of": "no matter"}})),
        ("unknown", json!(null)),
    ];
    for (name, value) in variants {
        let judged = judged(&with(name, value.clone()));
        assert!(judged.is_ok(), "{name} {value}: {judged:?}");
    }
    assert!(judged(&logout_claims(NOW - 149)).is_ok(), "within the leeway");
    assert!(judged(&lacking(&["typ"])).is_ok(), "the claim is Keycloak's own");
    for typ in ["logout+jwt", "LOGOUT+JWT", "Logout+Jwt"] {
        let header =
            json!({"alg": "RS256", "kid": RSA.kid, "typ": typ, "jku": "https://e.example"});
        let token = RSA.token_with(&header, &logout_claims(NOW));
        assert!(judged_by(&settings(), &token).is_ok(), "{typ}");
    }
    let token = EC.token_with(&logout_header("ES256", &EC.kid), &logout_claims(NOW));
    assert!(judged_by(&all_algorithms(), &token).is_ok());
}

#[test]
fn without_an_expiry_the_age_decides() {
    for age in [-30, 0, 120, 150] {
        let mut claims = lacking(&["exp"]);
        claims["iat"] = json!(NOW - age);
        assert_eq!(judged(&claims).unwrap().expires_at, NOW - age + 120, "{age} s old");
    }
    for age in [151, 3600, i64::MAX] {
        let mut claims = lacking(&["exp"]);
        claims["iat"] = json!(NOW - age);
        assert_eq!(judged(&claims), Err(Reason::Stale), "{age} s old");
    }
}

#[test]
fn each_fault_is_found_and_named() {
    let times = || [json!("1900000000"), json!(null), json!(true), json!([NOW + 60])];
    let faults: Vec<(Reason, &str, Vec<Value>)> = vec![
        (Reason::Issuer, "iss", vec![json!(format!("{ISSUER}/")), json!(null), json!([ISSUER])]),
        (Reason::Audience, "aud", vec![json!("task-api"), json!("task-mobile"), json!("")]),
        (Reason::Audience, "aud", vec![json!([]), json!(null), json!(["task-web", 1])]),
        (Reason::Expiry, "exp", times().to_vec()),
        (Reason::Expired, "exp", vec![json!(NOW - 30), json!(0), json!(-1e300)]),
        (Reason::Lifetime, "exp", vec![json!(NOW + 24 * 3600 + 1), json!(NOW - 1)]),
        (Reason::IssuedAt, "iat", times().to_vec()),
        (Reason::IssuedLater, "iat", vec![json!(NOW + 31), json!(u64::MAX)]),
        (Reason::Lifetime, "iat", vec![json!(NOW - 24 * 3600 + 119)]),
        (Reason::NotBefore, "nbf", times().to_vec()),
        (Reason::NotYet, "nbf", vec![json!(NOW + 31)]),
        (Reason::Purpose, "typ", ["Bearer", "ID", "Refresh", "logout", ""].map(Value::from).into()),
        (Reason::Purpose, "typ", vec![json!(null), json!(["Logout"])]),
        (Reason::Events, "events", vec![json!(null), json!([EVENT]), json!(EVENT), json!({})]),
        (Reason::Events, "events", vec![json!({"http://schemas.openid.net/event/other": {}})]),
        (Reason::Events, "events", vec![json!([{EVENT: {}}]), json!({"x": {EVENT: {}}})]),
        (Reason::Nonce, "nonce", vec![json!("x"), json!(""), json!(null), json!(0)]),
        (Reason::TokenId, "jti", ["", "a b", "a\n", "é", "\u{7f}", "\0"].map(Value::from).into()),
        (Reason::TokenId, "jti", vec![json!("x".repeat(129)), json!(null), json!(1), json!(["x"])]),
        (Reason::Subject, "sub", vec![json!(null), json!("alice"), json!(""), json!(7)]),
        (Reason::Subject, "sub", vec![json!(SUB.replace('-', "")), json!(format!("{{{SUB}}}"))]),
        (Reason::Session, "sid", ["", "a b", "a/b", "a\0", "é", "a:b"].map(Value::from).into()),
        (Reason::Session, "sid", vec![json!("s".repeat(129)), json!(null), json!(1)]),
    ];
    let mut seen = HashSet::new();
    for (reason, name, values) in faults {
        seen.insert(reason);
        for value in values {
            assert_eq!(judged(&with(name, value.clone())), Err(reason), "{name} is {value}");
        }
    }
    for value in [json!(null), json!([]), json!(""), json!(true), json!(1)] {
        let claims = with("events", json!({ EVENT: value }));
        assert_eq!(judged(&claims), Err(Reason::Events), "the event is {value}");
    }
    let lacks = [
        (Reason::Issuer, "iss"),
        (Reason::Audience, "aud"),
        (Reason::IssuedAt, "iat"),
        (Reason::Events, "events"),
        (Reason::TokenId, "jti"),
    ];
    for (reason, name) in lacks {
        assert_eq!(judged(&lacking(&[name])), Err(reason), "no {name}");
    }
    assert_eq!(judged(&lacking(&["sub", "sid"])), Err(Reason::Nobody));
    let mut old = lacking(&["exp"]);
    old["iat"] = json!(NOW - 151);
    assert_eq!(judged(&old), Err(Reason::Stale));
    seen.extend([Reason::Nobody, Reason::Stale]);
    assert!(REASONS.iter().all(|reason| seen.contains(reason)), "{seen:?}");
}

/// The same code as for access tokens; these show that it is used.
#[test]
fn form_header_key_and_signature_are_checked() {
    let of = |header: Value| RSA.token_with(&header, &logout_claims(NOW));
    let changed = |name: &str, value: Value| {
        let mut header = logout_header("RS256", &RSA.kid);
        header[name] = value;
        of(header)
    };
    let good = token(&logout_claims(NOW));
    let twice = logout_claims(NOW).to_string().replacen('{', "{\"jti\":\"x\",", 1);
    let twice = RSA.token_of(&logout_header("RS256", &RSA.kid).to_string(), &twice);
    let mut typeless = logout_header("RS256", &RSA.kid);
    without(&mut typeless, "typ");
    let faults = [
        (Reason::TooLong, "x".repeat(8193)),
        (Reason::Parts, "a.b".to_owned()),
        (Reason::Base64, format!("{good}==")),
        (Reason::Algorithm, changed("alg", json!("none"))),
        (Reason::Algorithm, changed("alg", json!("HS256"))),
        (Reason::Algorithm, changed("alg", json!("ES256"))),
        (Reason::KeyId, changed("kid", json!("../x"))),
        (Reason::Extension, changed("crit", json!(["exp"]))),
        (Reason::HeaderType, of(typeless)),
        (Reason::UnknownKey, changed("kid", json!("rsa-9"))),
        (
            Reason::Signature,
            RSA_2.token_with(&logout_header("RS256", &RSA.kid), &logout_claims(NOW)),
        ),
        (Reason::Claims, twice),
    ];
    for (reason, token) in faults {
        assert_eq!(judged_by(&settings(), &token), Err(reason), "{token:.200}");
    }
}

#[test]
fn the_plain_type_counts_only_if_the_operator_says_so() {
    for typ in ["JWT", "jwt"] {
        let header = json!({"alg": "RS256", "kid": RSA.kid, "typ": typ});
        let token = RSA.token_with(&header, &logout_claims(NOW));
        assert_eq!(judged_by(&settings(), &token), Err(Reason::HeaderType), "{typ}");
        assert!(judged_by(&plain_type(), &token).is_ok(), "{typ}");
    }
    assert!(judged_by(&plain_type(), &token(&logout_claims(NOW))).is_ok(), "the new type as well");
    for typ in [json!("at+jwt"), json!("JOSE"), json!(""), json!(null), json!(["JWT"])] {
        let header = json!({"alg": "RS256", "kid": RSA.kid, "typ": typ});
        let token = RSA.token_with(&header, &logout_claims(NOW));
        assert_eq!(judged_by(&plain_type(), &token), Err(Reason::HeaderType), "{typ}");
    }
}

/// Other tokens of the same issuer, for the same client, under the same key.
#[test]
fn no_other_token_is_a_logout_token() {
    let mut access = claims(NOW);
    access["aud"] = json!(["task-api", "task-web"]);
    let mut id = access.clone();
    id["typ"] = json!("ID");
    id["nonce"] = json!("n-0S6_WzA2Mj");
    let mut refresh = access.clone();
    refresh["typ"] = json!("Refresh");
    for (what, claims) in [("access", access), ("ID", id), ("refresh", refresh)] {
        let as_sent = RSA.token("RS256", &claims);
        assert_eq!(judged_by(&settings(), &as_sent), Err(Reason::HeaderType), "{what}");
        assert_eq!(judged_by(&plain_type(), &as_sent), Err(Reason::Purpose), "{what}");
        let mut untyped = claims.clone();
        without(&mut untyped, "typ");
        let untyped = RSA.token("RS256", &untyped);
        assert_eq!(judged_by(&plain_type(), &untyped), Err(Reason::Events), "{what}");
        // Not that the issuer would: its header alone does not make it one either.
        assert_eq!(judged(&claims), Err(Reason::Purpose), "{what}");
    }
}

#[test]
fn a_logout_token_is_no_access_token() {
    let keys = key_set(&[&RSA]);
    let access = |token: &str, settings: &Settings| judge(token, &keys, settings, NOW).unwrap_err();
    let mut claims = logout_claims(NOW);
    claims["aud"] = json!(["task-api", "task-web"]);
    for settings in [settings(), plain_type()] {
        assert_eq!(access(&token(&claims), &settings), Reason::HeaderType);
        let plain = RSA.token("RS256", &claims);
        assert_eq!(access(&plain, &settings), Reason::Purpose);
        let dressed_up = token(&super::claims(NOW));
        assert_eq!(access(&dressed_up, &settings), Reason::HeaderType, "whatever its claims");
    }
}

#[test]
fn the_first_list_with_an_entry_says_whom_it_is_for() {
    let list = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let cases: [(&[&str], &[&str], &[&str]); 4] = [
        (&["task-web"], &["task-mobile"], &["task-web"]),
        (&["task-web"], &[], &["task-web"]),
        (&[], &["task-mobile", "task-web"], &["task-mobile", "task-web"]),
        (&[], &[], &["task-api", "fastapi-backend"]),
    ];
    for (own, parties, good) in cases {
        let settings = Settings {
            logout_audiences: list(own),
            authorized_parties: list(parties),
            ..settings()
        };
        for aud in ["task-api", "fastapi-backend", "task-web", "task-mobile", "account"] {
            let judged = judged_by(&settings, &token(&with("aud", json!(aud)))).map(|_| ());
            let expected = if good.contains(&aud) { Ok(()) } else { Err(Reason::Audience) };
            assert_eq!(judged, expected, "{aud} where {own:?}, then {parties:?}");
        }
    }
}

#[tokio::test]
async fn the_verifier_uses_the_same_keys_and_its_clock() {
    let (clock, issuer) = (Clock::stopped(), Issuer::with(&[&RSA]).await);
    let verifier = verifier(&issuer.address, &clock);
    assert_eq!(ask(&verifier, &good(clock.unix_seconds())).await, Ok(()));
    let begun = clock.unix_seconds();
    let text = token(&logout_claims(begun));
    assert_eq!(verifier.verify_logout(&text).await.unwrap().issued_at, begun);
    assert_eq!(issuer.fetches(), 1);
    let sent = format!("Bearer {text}");
    assert_eq!(verifier.verify(&[&sent]).await.unwrap_err(), Reason::HeaderType.into());
    clock.advance(Duration::from_secs(150));
    assert_eq!(verifier.verify_logout(&text).await, Err(Reason::Expired.into()));
}

#[tokio::test]
async fn without_keys_nothing_is_known_about_it() {
    let (clock, issuer) = (Clock::stopped(), Issuer::with(&[&RSA]).await);
    issuer.answer(503, "");
    let verifier = verifier(&issuer.address, &clock);
    let text = token(&logout_claims(clock.unix_seconds()));
    assert_eq!(verifier.verify_logout(&text).await, Err(Refusal::Unavailable));
}
