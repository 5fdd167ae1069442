//! Keys that sign, independent of the library that verifies.

use std::sync::LazyLock;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::header;

pub(super) static RSA: LazyLock<Signer> = LazyLock::new(|| Signer::rsa("rsa-1"));
pub(super) static RSA_2: LazyLock<Signer> = LazyLock::new(|| Signer::rsa("rsa-2"));
pub(super) static EC: LazyLock<Signer> = LazyLock::new(|| Signer::ec("ec-1"));

/// A private key with the id under which it is published.
pub(super) struct Signer {
    pub(super) kid: String,
    pair: Pair,
}

enum Pair {
    Rsa(Box<RsaKeyPair>),
    Ec(Box<EcdsaKeyPair>),
}

impl Signer {
    fn rsa(kid: &str) -> Self {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        Self { kid: kid.to_owned(), pair: Pair::Rsa(Box::new(pair)) }
    }

    fn ec(kid: &str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        Self { kid: kid.to_owned(), pair: Pair::Ec(Box::new(pair)) }
    }

    /// The published key. It names no algorithm, so an RSA key serves RS256 and PS256.
    pub(super) fn jwk(&self) -> Value {
        match &self.pair {
            Pair::Rsa(pair) => {
                let exponent = pair.public_key().exponent();
                json!({
                    "kid": self.kid, "kty": "RSA", "use": "sig",
                    "n": encoded(&self.modulus()),
                    "e": encoded(exponent.big_endian_without_leading_zero()),
                })
            }
            Pair::Ec(pair) => {
                let point = &pair.public_key().as_ref()[1..];
                json!({
                    "kid": self.kid, "kty": "EC", "crv": "P-256", "use": "sig",
                    "x": encoded(&point[..32]), "y": encoded(&point[32..]),
                })
            }
        }
    }

    pub(super) fn modulus(&self) -> Vec<u8> {
        match &self.pair {
            Pair::Rsa(pair) => {
                pair.public_key().modulus().big_endian_without_leading_zero().to_vec()
            }
            Pair::Ec(_) => panic!("no RSA key"),
        }
    }

    /// The public key as PKCS #1 and as SubjectPublicKeyInfo.
    pub(super) fn public_der(&self) -> [Vec<u8>; 2] {
        match &self.pair {
            Pair::Rsa(pair) => {
                let public = pair.public_key();
                [public.as_ref().to_vec(), public.as_der().unwrap().as_ref().to_vec()]
            }
            Pair::Ec(_) => panic!("no RSA key"),
        }
    }

    pub(super) fn sign(&self, alg: &str, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair) => {
                let encoding: &'static dyn aws_lc_rs::signature::RsaEncoding =
                    if alg == "PS256" { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &random, message, &mut signature).unwrap();
                signature
            }
            Pair::Ec(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
        }
    }

    /// A token with the usual header.
    pub(super) fn token(&self, alg: &str, claims: &Value) -> String {
        self.token_with(&header(alg, &self.kid), claims)
    }

    /// A token with that header, signed as it says.
    pub(super) fn token_with(&self, header: &Value, claims: &Value) -> String {
        self.token_of(&header.to_string(), &claims.to_string())
    }

    /// A token of exactly these texts, signed as the header says.
    pub(super) fn token_of(&self, header: &str, claims: &str) -> String {
        let alg = if header.contains("PS256") { "PS256" } else { "other" };
        assemble(header, claims, |message| self.sign(alg, message))
    }
}

/// A token of exactly these texts.
pub(super) fn assemble(header: &str, claims: &str, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let signed = format!("{}.{}", encoded(header.as_bytes()), encoded(claims.as_bytes()));
    let signature = encoded(&sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}

pub(super) fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
