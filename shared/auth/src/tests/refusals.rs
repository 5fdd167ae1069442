//! A good token with one thing changed, for every check there is.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::signer::{EC, RSA, RSA_2, assemble, encoded};
use super::*;
use crate::{Reason, bearer, judge};

/// The tokens that must be refused, what is wrong with them, and the reason to find.
#[derive(Default)]
struct Cases(Vec<(Reason, String, String)>);

impl Cases {
    fn add(&mut self, reason: Reason, what: impl Into<String>, token: String) {
        self.0.push((reason, what.into(), token));
    }

    fn claim(&mut self, reason: Reason, name: &str, values: impl IntoIterator<Item = Value>) {
        for value in values {
            let mut claims = claims(NOW);
            claims[name] = value.clone();
            self.add(reason, format!("{name} is {value}"), RSA.token("RS256", &claims));
        }
    }

    fn no_claim(&mut self, reason: Reason, name: &str) {
        let mut claims = claims(NOW);
        without(&mut claims, name);
        self.add(reason, format!("no {name}"), RSA.token("RS256", &claims));
    }

    fn header(&mut self, reason: Reason, name: &str, values: impl IntoIterator<Item = Value>) {
        for value in values {
            let mut header = header("RS256", &RSA.kid);
            header[name] = value.clone();
            let token = RSA.token_with(&header, &claims(NOW));
            self.add(reason, format!("header {name} is {value}"), token);
        }
    }

    fn no_header(&mut self, reason: Reason, name: &str) {
        let mut header = header("RS256", &RSA.kid);
        without(&mut header, name);
        self.add(reason, format!("header without {name}"), RSA.token_with(&header, &claims(NOW)));
    }

    /// Header and claims as texts, well signed.
    fn texts(&mut self, reason: Reason, what: &str, header: &str, claims: &str) {
        self.add(reason, what, RSA.token_of(header, claims));
    }

    fn form(&mut self) {
        let good = good(NOW);
        let parts: Vec<&str> = good.split('.').collect();
        let [head, body, signature] = parts[..] else { panic!() };
        let long = json!({"pad": "x".repeat(6200)}).to_string();
        self.add(Reason::TooLong, "long", RSA.token_of(&header("RS256", "k").to_string(), &long));
        self.add(Reason::TooLong, "long and not a token", "x".repeat(8193));
        for text in ["", "x", "a.b", &format!("{good}."), &format!(".{good}"), "a.b.c.d", "...."] {
            self.add(Reason::Parts, format!("parts: {text:.9}"), text.to_owned());
        }
        self.add(Reason::Parts, "five parts", format!("{head}.{body}.{signature}.{body}.{head}"));
        for text in [
            "..".to_owned(),
            format!("{head}.{body}."),
            format!("{head}..{signature}"),
            format!(".{body}.{signature}"),
            format!("{head}.{body}.{signature}=="),
            format!("{head}=.{body}.{signature}"),
            format!("{head}.{body}.{signature}\n"),
            format!("{head}.{body}. {signature}"),
            format!("{head}.{body}.{signature}AAA"),
            format!("{head}.{body}.{}+", &signature[1..]),
            format!("{head}.{body}.{}/", &signature[1..]),
            format!("{head}.{body}.é{signature}"),
            format!("{head}.{body}.{}", stray_bits(signature)),
        ] {
            self.add(Reason::Base64, format!("not base64url: …{:?}", tail(&text)), text);
        }
    }

    fn headers(&mut self) {
        let (plain, body) = (header("RS256", &RSA.kid).to_string(), claims(NOW).to_string());
        self.texts(Reason::Header, "text header", "RS256", &body);
        self.texts(Reason::Header, "list header", r#"["RS256","JWT","rsa-1"]"#, &body);
        self.texts(Reason::Header, "header and more", &format!("{plain}{{}}"), &body);
        for (name, value) in [("alg", "RS256"), ("kid", "rsa-1"), ("typ", "JWT"), ("x", "y")] {
            let twice = format!("{},\"{name}\":\"{value}\",\"{name}\":\"{value}\"}}", cut(&plain));
            self.texts(Reason::Header, "repeated header member", &twice, &body);
        }
        let escaped = format!("{},\"\\u0061lg\":\"RS256\"}}", cut(&plain));
        self.texts(Reason::Header, "repeated in another spelling", &escaped, &body);
        let deep = format!("{},\"x\":{}{}}}", cut(&plain), "[".repeat(200), "]".repeat(200));
        self.texts(Reason::Header, "deep header", &deep, &body);

        let names = ["HS256", "RS384", "PS256", "ES256", "EdDSA", "none", "rs256", "RS256 ", ""];
        self.header(Reason::Algorithm, "alg", names.map(Value::from));
        self.header(Reason::Algorithm, "alg", [json!(null), json!(1), json!(["RS256"])]);
        self.no_header(Reason::Algorithm, "alg");
        let ids = ["", "a.b", "a/b", "../rsa-1", "rsa-1 ", "rsa-1\0", "é", "' OR 1=1"];
        self.header(Reason::KeyId, "kid", ids.map(Value::from));
        self.header(Reason::KeyId, "kid", [json!("k".repeat(129)), json!(null), json!(1)]);
        self.no_header(Reason::KeyId, "kid");
        let crits = [json!(["b64"]), json!(["exp"]), json!([]), json!(null), json!("exp")];
        self.header(Reason::Extension, "crit", crits);
        self.header(Reason::Extension, "b64", [json!(false), json!(true), json!(null)]);
        let typs = ["", "JOSE", "logout+jwt", "JWT+at", "application/json"];
        self.header(Reason::HeaderType, "typ", typs.map(Value::from));
        self.header(Reason::HeaderType, "typ", [json!(null), json!(["JWT"])]);
        self.no_header(Reason::HeaderType, "typ");
        self.header(Reason::UnknownKey, "kid", ["rsa-3", "RSA-1", "rsa"].map(Value::from));
        let ours = json!("k".repeat(128));
        self.header(Reason::UnknownKey, "kid", [ours]);
    }

    fn signatures(&mut self) {
        let good = good(NOW);
        let (signed, signature) = good.rsplit_once('.').unwrap();
        let (plain, body) = (header("RS256", &RSA.kid).to_string(), claims(NOW).to_string());
        let other = RSA_2.token_with(&header("RS256", &RSA.kid), &claims(NOW));
        self.add(Reason::Signature, "signed with another key", other);
        let pss = assemble(&plain, &body, |message| RSA.sign("PS256", message));
        self.add(Reason::Signature, "signed in another way", pss);
        self.add(Reason::Signature, "a byte too many", format!("{good}A"));
        self.add(Reason::Signature, "a short signature", format!("{signed}.AAAA"));
        let (zeros, ones) = (encoded(&[0; 256]), encoded(&[255; 256]));
        self.add(Reason::Signature, "a signature of zeros", format!("{signed}.{zeros}"));
        self.add(Reason::Signature, "a signature of ones", format!("{signed}.{ones}"));
        let mut altered = claims(NOW);
        altered["realm_access"] = json!({"roles": ["admin"]});
        let head = encoded(plain.as_bytes());
        let altered = format!("{head}.{}.{signature}", encoded(altered.to_string().as_bytes()));
        self.add(Reason::Signature, "altered claims", altered);
    }

    fn who(&mut self) {
        let plain = header("RS256", &RSA.kid).to_string();
        let body = claims(NOW).to_string();
        for text in [" ", "null", "[]", "\"x\"", "{", "{}x", "{\"a\":1e999}", "{'a':1}"] {
            self.texts(Reason::Claims, &format!("claims are {text}"), &plain, text);
        }
        for name in ["iss", "aud", "exp", "sub", "sid", "typ", "scope", "realm_access", "x"] {
            let twice = format!("{},\"{name}\":1,\"{name}\":1}}", cut(&body));
            self.texts(Reason::Claims, &format!("repeated {name}"), &plain, &twice);
        }
        let nested = format!("{},\"x\":{{\"a\":1,\"a\":1}}}}", cut(&body));
        self.texts(Reason::Claims, "repeated deep inside", &plain, &nested);
        let deep = format!("{},\"x\":{}{}}}", cut(&body), "[".repeat(200), "]".repeat(200));
        self.texts(Reason::Claims, "deep claims", &plain, &deep);

        let slash = format!("{ISSUER}/");
        let issuers = [json!(slash), json!(ISSUER.to_uppercase()), json!(""), json!(null)];
        self.claim(Reason::Issuer, "iss", issuers);
        self.claim(Reason::Issuer, "iss", [json!([ISSUER]), json!("https://evil.example")]);
        self.no_claim(Reason::Issuer, "iss");
        let audiences = [
            json!("account"),
            json!(["account"]),
            json!([]),
            json!(""),
            json!(null),
            json!(["task-api", 1]),
            json!({"task-api": true}),
            json!("task-api "),
            json!("Task-Api"),
            json!([["task-api"]]),
        ];
        self.claim(Reason::Audience, "aud", audiences);
        self.no_claim(Reason::Audience, "aud");
    }

    fn when(&mut self) {
        let no_times = || [json!("1900000000"), json!(null), json!(true), json!([NOW + 60])];
        self.claim(Reason::Expiry, "exp", no_times());
        self.no_claim(Reason::Expiry, "exp");
        let past = [json!(NOW - 30), json!(NOW - 3600), json!(0), json!(-1), json!(-1e300)];
        self.claim(Reason::Expired, "exp", past);
        self.claim(Reason::NotBefore, "nbf", no_times());
        let far = || [json!(NOW + 31), json!(NOW + 3600), json!(u64::MAX), json!(1e300)];
        self.claim(Reason::NotYet, "nbf", far());
        self.claim(Reason::IssuedAt, "iat", no_times());
        self.no_claim(Reason::IssuedAt, "iat");
        self.claim(Reason::IssuedLater, "iat", far());
        self.claim(Reason::Lifetime, "exp", [json!(NOW + 24 * 3600 + 1), json!(1e300)]);
        self.claim(Reason::Lifetime, "exp", [json!(NOW - 1), json!(i64::MAX), json!(u64::MAX)]);
        self.claim(Reason::Lifetime, "iat", [json!(NOW - 24 * 3600 + 299), json!(i64::MIN)]);
    }

    fn what(&mut self) {
        let purposes = ["ID", "Refresh", "Offline", "Logout", "bearer", "", "Bearer "];
        self.claim(Reason::Purpose, "typ", purposes.map(Value::from));
        self.claim(Reason::Purpose, "typ", [json!(null), json!(["Bearer"])]);
        self.no_claim(Reason::Purpose, "typ");
        let braces = format!("{{{SUB}}}");
        let subjects = ["", "alice", &SUB.replace('-', ""), &braces, &format!("urn:uuid:{SUB}")];
        self.claim(Reason::Subject, "sub", subjects.map(Value::from));
        self.claim(Reason::Subject, "sub", [json!(null), json!(7)]);
        self.no_claim(Reason::Subject, "sub");

        let sessions = ["", "a b", "a/b", "a\0", "é", "a,b", "a:b"];
        self.claim(Reason::Session, "sid", sessions.map(Value::from));
        self.claim(Reason::Session, "sid", [json!("s".repeat(129)), json!(null), json!(1)]);
        self.no_claim(Reason::Session, "sid");
        let services = [
            ("preferred_username", json!("alice")),
            ("preferred_username", json!("Service-account-x")),
            ("client_id", json!("")),
            ("client_id", json!(null)),
            ("sid", json!("not a session")),
        ];
        for (name, value) in services {
            let mut claims = service_claims(NOW);
            claims[name] = value.clone();
            let what = format!("service account whose {name} is {value}");
            self.add(Reason::Session, what, RSA.token("RS256", &claims));
        }
        let mut claims = service_claims(NOW);
        without(&mut claims, "client_id");
        self.add(Reason::Session, "only named a service account", RSA.token("RS256", &claims));

        for name in ["preferred_username", "name", "email"] {
            self.claim(Reason::Person, name, [json!(1), json!(null), json!(["a"]), json!("a\0b")]);
        }
        let access = [
            json!("admin"),
            json!(["admin"]),
            json!(null),
            json!({"roles": "admin"}),
            json!({"roles": {"admin": true}}),
            json!({"roles": [["admin"]]}),
            json!({"roles": null}),
        ];
        for bad in access {
            self.claim(Reason::Roles, "realm_access", [bad.clone()]);
            self.claim(Reason::Roles, "resource_access", [json!({ "task-api": bad })]);
        }
        self.claim(Reason::Roles, "resource_access", [json!([]), json!(null), json!("admin")]);
        let scopes = [json!(null), json!(["tasks:read"]), json!(1)];
        self.claim(Reason::Scope, "scope", scopes);
    }
}

#[test]
fn each_fault_is_found_and_named() {
    let keys = key_set(&[&RSA, &RSA_2, &EC]);
    assert!(judge(&good(NOW), &keys, &settings(), NOW).is_ok());
    let mut cases = Cases::default();
    cases.form();
    cases.headers();
    cases.signatures();
    cases.who();
    cases.when();
    cases.what();
    let mut seen = HashSet::new();
    for (reason, what, token) in &cases.0 {
        let judged = judge(token, &keys, &settings(), NOW).map(|_| ());
        assert_eq!(judged, Err(*reason), "{what}");
        seen.insert(*reason);
    }
    assert!(cases.0.len() > 150, "{}", cases.0.len());

    // Those that need other settings, or other keys, or are about the header's value.
    let parties = Settings { authorized_parties: vec!["task-mobile".to_owned()], ..settings() };
    for azp in [json!("task-web"), json!(null), json!(["task-mobile"]), json!("")] {
        let mut claims = claims(NOW);
        claims["azp"] = azp;
        let judged = judge(&RSA.token("RS256", &claims), &keys, &parties, NOW);
        assert_eq!(judged.unwrap_err(), Reason::Party);
    }
    let mut claims = claims(NOW);
    without(&mut claims, "azp");
    let judged = judge(&RSA.token("RS256", &claims), &keys, &parties, NOW);
    assert_eq!(judged.unwrap_err(), Reason::Party);
    let crossed = EC.token_with(&header("ES256", &RSA.kid), &super::claims(NOW));
    let judged = judge(&crossed, &keys, &all_algorithms(), NOW);
    assert_eq!(judged.unwrap_err(), Reason::KeyMismatch);
    seen.extend([Reason::Party, Reason::KeyMismatch]);
    assert_eq!(bearer::token(&["Bearer a", "Bearer b"]), Err(Reason::Repeated.into()));
    assert_eq!(bearer::token(&["Bearer a,b"]), Err(Reason::Malformed.into()));
    seen.extend([Reason::Repeated, Reason::Malformed]);
    seen.extend(super::logout::REASONS);

    let missed: Vec<Reason> =
        Reason::ALL.into_iter().filter(|reason| !seen.contains(reason)).collect();
    assert_eq!(missed, [], "reasons without a case");
}

#[test]
fn each_reason_reads_differently_and_shows_nothing_of_the_token() {
    let texts: HashSet<&str> = Reason::ALL.into_iter().map(Reason::text).collect();
    assert_eq!(texts.len(), Reason::ALL.len());
}

/// An object's text without its last brace.
fn cut(object: &str) -> &str {
    object.strip_suffix('}').unwrap()
}

fn tail(text: &str) -> String {
    text.chars().rev().take(8).collect::<Vec<_>>().into_iter().rev().collect()
}

/// The same bytes in another spelling: 256 bytes leave four bits of the last character unused.
fn stray_bits(signature: &str) -> String {
    let (rest, last) = signature.split_at(signature.len() - 1);
    let strayed = match last {
        "A" => "B",
        "Q" => "R",
        "g" => "h",
        "w" => "x",
        other => panic!("{other} is not canonical"),
    };
    format!("{rest}{strayed}")
}
