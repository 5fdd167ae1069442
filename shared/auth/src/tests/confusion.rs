//! Attacks on the choice of algorithm and key.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::signer::{EC, RSA, assemble, encoded};
use super::*;
use crate::{Reason, judge};

/// Everything public about the key that an attacker could take for a secret.
fn public_secrets() -> Vec<Vec<u8>> {
    let [pkcs1, spki] = RSA.public_der();
    let mut secrets = vec![Vec::new(), RSA.modulus(), encoded(&RSA.modulus()).into_bytes()];
    secrets.push(RSA.jwk().to_string().into_bytes());
    secrets.push(jwks(&[&RSA]).into_bytes());
    for (label, der) in [("RSA PUBLIC KEY", &pkcs1), ("PUBLIC KEY", &spki)] {
        let base64 = STANDARD.encode(der);
        let lines: Vec<&str> =
            base64.as_bytes().chunks(64).map(|l| std::str::from_utf8(l).unwrap()).collect();
        let pem = format!("-----BEGIN {label}-----\n{}\n-----END {label}-----", lines.join("\n"));
        secrets.push(pem.clone().into_bytes());
        secrets.push(format!("{pem}\n").into_bytes());
    }
    secrets.extend([pkcs1, spki]);
    secrets
}

#[test]
fn a_public_key_is_no_secret() {
    let keys = key_set(&[&RSA]);
    let variants =
        [("HS256", hmac::HMAC_SHA256), ("HS384", hmac::HMAC_SHA384), ("HS512", hmac::HMAC_SHA512)];
    for secret in public_secrets() {
        for (alg, hash) in variants {
            let key = hmac::Key::new(hash, &secret);
            let mac = |message: &[u8]| hmac::sign(&key, message).as_ref().to_vec();
            for settings in [settings(), all_algorithms()] {
                let token =
                    assemble(&header(alg, &RSA.kid).to_string(), &claims(NOW).to_string(), mac);
                assert_eq!(judge(&token, &keys, &settings, NOW).unwrap_err(), Reason::Algorithm);
                let token =
                    assemble(&header("RS256", &RSA.kid).to_string(), &claims(NOW).to_string(), mac);
                assert_eq!(judge(&token, &keys, &settings, NOW).unwrap_err(), Reason::Signature);
            }
        }
    }
}

#[test]
fn no_spelling_of_none_is_an_algorithm() {
    let keys = key_set(&[&RSA]);
    let mut spellings: Vec<String> = (0..16_u8)
        .map(|bits| {
            let letter = |(i, c): (usize, char)| {
                if bits >> i & 1 == 1 { c.to_ascii_uppercase() } else { c }
            };
            "none".chars().enumerate().map(letter).collect()
        })
        .collect();
    spellings.extend([" none", "none ", "none\0", "", "null", "nоne"].map(str::to_owned));
    for alg in &spellings {
        let header = header(alg, &RSA.kid).to_string();
        for signature in [&b""[..], b"x", &[0; 256]] {
            let token = assemble(&header, &claims(NOW).to_string(), |_| signature.to_vec());
            let reason = if signature.is_empty() { Reason::Base64 } else { Reason::Algorithm };
            assert_eq!(judge(&token, &keys, &all_algorithms(), NOW).unwrap_err(), reason, "{alg}");
        }
        // Well signed, and still not.
        let token = RSA.token_of(&header, &claims(NOW).to_string());
        assert_eq!(
            judge(&token, &keys, &all_algorithms(), NOW).unwrap_err(),
            Reason::Algorithm,
            "{alg}"
        );
    }
}

#[test]
fn a_key_serves_only_the_algorithm_that_it_names() {
    for (named, other) in [("RS256", "PS256"), ("PS256", "RS256")] {
        let mut jwk = RSA.jwk();
        jwk["alg"] = json!(named);
        let keys = json!({ "keys": [jwk] }).to_string();
        let keys = KeySet::read(keys.as_bytes(), &Alg::ALL).unwrap();
        let judged =
            |alg| judge(&RSA.token(alg, &claims(NOW)), &keys, &all_algorithms(), NOW).map(|_| ());
        assert_eq!(judged(named), Ok(()));
        assert_eq!(judged(other), Err(Reason::KeyMismatch));
    }
}

#[test]
fn a_key_that_the_token_brings_along_is_not_used() {
    let keys = key_set(&[&RSA]);
    let jwk = EC.jwk();
    for kid in [&EC.kid, &RSA.kid] {
        let header = json!({
            "alg": "ES256", "typ": "JWT", "kid": kid, "jwk": jwk,
            "jku": "https://evil.example/keys",
        });
        let token = EC.token_with(&header, &claims(NOW));
        assert!(judge(&token, &keys, &all_algorithms(), NOW).is_err());
    }
}
