//! Which published keys count.

use serde_json::{Value, json};

use super::signer::{EC, RSA, RSA_2, encoded};
use super::*;
use crate::NotKeys;

fn read(keys: &[Value]) -> Result<usize, NotKeys> {
    let set = KeySet::read(json!({ "keys": keys }).to_string().as_bytes(), &Alg::ALL)?;
    let again: Value = serde_json::from_str(&set.to_json()).unwrap();
    Ok(again["keys"].as_array().unwrap().len())
}

fn rsa_with(name: &str, value: Value) -> Value {
    let mut jwk = RSA.jwk();
    jwk[name] = value;
    jwk
}

fn ec_with(name: &str, value: Value) -> Value {
    let mut jwk = EC.jwk();
    jwk[name] = value;
    jwk
}

#[test]
fn keys_that_are_not_for_this_are_left_out() {
    let mut short = RSA.modulus();
    short[0] = 0x7f; // 2047 bits
    let unusable = [
        rsa_with("use", json!("enc")),
        rsa_with("use", json!(null)),
        rsa_with("kty", json!("oct")),
        rsa_with("kty", json!("EC")),
        rsa_with("kid", json!("")),
        rsa_with("kid", json!("a b")),
        rsa_with("kid", json!(null)),
        rsa_with("alg", json!("RSA-OAEP")),
        rsa_with("alg", json!("RS512")),
        rsa_with("alg", json!("HS256")),
        rsa_with("alg", json!(null)),
        rsa_with("n", json!(encoded(&RSA.modulus()[..128]))),
        rsa_with("n", json!(encoded(&short))),
        rsa_with("n", json!(encoded(&[0; 256]))),
        rsa_with("n", json!(encoded(&[255; 1025]))),
        rsa_with("n", json!("not base64url!")),
        rsa_with("n", json!("")),
        rsa_with("e", json!("")),
        rsa_with("e", json!(encoded(&[1]))),
        rsa_with("e", json!(encoded(&[3]))),
        rsa_with("e", json!(encoded(&[1, 0, 0]))),
        rsa_with("e", json!(encoded(&[1, 0, 2]))),
        rsa_with("e", json!(encoded(&[255; 9]))),
        ec_with("crv", json!("P-384")),
        ec_with("crv", json!(null)),
        ec_with("alg", json!("ES384")),
        ec_with("x", json!(encoded(&[1; 31]))),
        ec_with("y", json!(encoded(&[1; 33]))),
        ec_with("kty", json!("OKP")),
        json!({"kty": "oct", "kid": "h", "use": "sig", "alg": "HS256", "k": "c2VjcmV0"}),
        json!({"kty": "OKP", "crv": "Ed25519", "kid": "o", "use": "sig", "x": encoded(&[1; 32])}),
        json!("a key"),
        json!(null),
    ];
    for jwk in &unusable {
        assert_eq!(read(std::slice::from_ref(jwk)), Err(NotKeys::NoneUsable), "{jwk}");
        assert_eq!(read(&[jwk.clone(), RSA_2.jwk()]), Ok(1), "beside a good one: {jwk}");
    }
    let mut no_use = RSA.jwk();
    without(&mut no_use, "use");
    assert_eq!(read(&[no_use]), Err(NotKeys::NoneUsable));
}

#[test]
fn good_keys_count() {
    let leading_zero = [&[0], RSA.modulus().as_slice()].concat();
    let good = [
        RSA.jwk(),
        EC.jwk(),
        rsa_with("alg", json!("RS256")),
        rsa_with("x5c", json!(["a certificate that nobody reads"])),
        rsa_with("n", json!(encoded(&leading_zero))),
    ];
    for jwk in good {
        assert_eq!(read(std::slice::from_ref(&jwk)), Ok(1), "{jwk}");
    }
}

#[test]
fn a_set_has_a_form_and_a_size() {
    for text in ["", "null", "[]", "{}", r#"{"keys":null}"#, r#"{"keys":{}}"#, "<html>"] {
        assert_eq!(KeySet::read(text.as_bytes(), &Alg::ALL).unwrap_err(), NotKeys::Form, "{text}");
    }
    let twice = format!("{{\"keys\":[],{}", jwks(&[&RSA]).strip_prefix('{').unwrap());
    assert_eq!(KeySet::read(twice.as_bytes(), &Alg::ALL).unwrap_err(), NotKeys::Form);
    assert_eq!(read(&[]), Err(NotKeys::NoneUsable));
    let many = |n: usize| -> Vec<Value> {
        (0..n).map(|i| rsa_with("kid", json!(format!("key-{i}")))).collect()
    };
    assert_eq!(read(&many(32)), Ok(32));
    assert_eq!(read(&many(33)), Err(NotKeys::TooMany));
}

#[test]
fn a_set_of_keys_for_other_algorithms_is_not_usable() {
    let set = jwks(&[&EC]);
    let read = |allowed: &[Alg]| KeySet::read(set.as_bytes(), allowed).map(|_| ());
    assert_eq!(read(&[Alg::Rs256, Alg::Ps256]), Err(NotKeys::NoneUsable));
    assert_eq!(read(&[Alg::Es256]), Ok(()));
}

#[test]
fn equal_sets_are_written_equally_and_read_back() {
    let one = KeySet::read(jwks(&[&RSA, &EC]).as_bytes(), &Alg::ALL).unwrap();
    let other = KeySet::read(jwks(&[&EC, &RSA]).as_bytes(), &Alg::ALL).unwrap();
    assert_eq!(one.to_json(), other.to_json());
    let again = KeySet::read(one.to_json().as_bytes(), &Alg::ALL).unwrap();
    assert_eq!(again.to_json(), one.to_json());
    assert!(crate::judge(&good(NOW), &again, &settings(), NOW).is_ok());
    assert!(!format!("{one:?}").contains(&encoded(&RSA.modulus())[..20]));
}

#[test]
fn settings_that_cannot_be_safe_are_refused() {
    use crate::SettingsError as Wrong;
    let refused = |settings: Settings| {
        Verifier::new(settings, Clock::stopped(), None).map(|_| ()).unwrap_err()
    };
    let address = |url: &str| refused(Settings { jwks_url: url.to_owned(), ..settings() });
    assert_eq!(address("http://127.0.0.1:8080/certs"), Wrong::PlainHttp);
    for url in ["", "/certs", "ftp://id.example.com/", "https://a:b@id.example.com/", "://"] {
        assert_eq!(address(url), Wrong::Address, "{url}");
    }
    assert_eq!(refused(Settings { issuer: String::new(), ..settings() }), Wrong::NoIssuer);
    assert_eq!(refused(Settings { audiences: vec![], ..settings() }), Wrong::NoAudience);
    let blank = vec![String::from("task-api"), String::new()];
    assert_eq!(refused(Settings { audiences: blank, ..settings() }), Wrong::NoAudience);
    assert_eq!(refused(Settings { algorithms: vec![], ..settings() }), Wrong::NoAlgorithm);
    for pem in ["", "rubbish", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"] {
        let settings = Settings { ca_pem: Some(pem.into()), ..settings() };
        assert!(matches!(refused(settings), Wrong::Authorities(_)), "{pem}");
    }
    assert!(Verifier::new(settings(), Clock::stopped(), None).is_ok());
}
