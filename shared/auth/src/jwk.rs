//! One published key.

use jsonwebtoken::DecodingKey;
use serde_json::{Map, Value, json};

use crate::Alg;
use crate::token::{decoded, is_key_id};

const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;
/// NIST asks for no less, and with the exponent 1 everybody could sign.
const LEAST_EXPONENT: u64 = 65_537;
const P256_BYTES: usize = 32;

/// A key that can check signatures, and for which algorithms.
pub(crate) struct Key {
    pub(crate) kid: String,
    pub(crate) algorithms: Vec<Alg>,
    pub(crate) decoding: DecodingKey,
    /// The key again, with the members that we use and no others.
    pub(crate) public: Value,
}

impl Key {
    /// The key, if it is one that we may and can use; an issuer publishes others too.
    pub(crate) fn read(jwk: &Map<String, Value>, allowed: &[Alg]) -> Option<Self> {
        let text = |name| jwk.get(name).and_then(Value::as_str);
        if text("use") != Some("sig") {
            return None;
        }
        let kid = text("kid").filter(|kid| is_key_id(kid))?;
        let (family, decoding, mut public): (&[Alg], _, _) = match text("kty")? {
            "RSA" => {
                let (n, e) = (text("n")?, text("e")?);
                (
                    &[Alg::Rs256, Alg::Ps256],
                    rsa(&decoded(n)?, &decoded(e)?)?,
                    json!({"kty": "RSA", "n": n, "e": e}),
                )
            }
            "EC" if text("crv") == Some("P-256") => {
                let (x, y) = (text("x")?, text("y")?);
                (
                    &[Alg::Es256],
                    p256(&decoded(x)?, &decoded(y)?)?,
                    json!({"kty": "EC", "crv": "P-256", "x": x, "y": y}),
                )
            }
            _ => return None,
        };
        let mut algorithms: Vec<Alg> =
            family.iter().copied().filter(|alg| allowed.contains(alg)).collect();
        // A key that names its algorithm is for that one only.
        if let Some(named) = jwk.get("alg") {
            algorithms.retain(|alg| named.as_str() == Some(alg.name()));
            public["alg"] = named.clone();
        }
        if algorithms.is_empty() {
            return None;
        }
        public["kid"] = kid.into();
        public["use"] = "sig".into();
        Some(Self { kid: kid.to_owned(), algorithms, decoding, public })
    }
}

fn rsa(modulus: &[u8], exponent: &[u8]) -> Option<DecodingKey> {
    let (modulus, exponent) = (without_leading_zeros(modulus), without_leading_zeros(exponent));
    let unused = modulus.first()?.leading_zeros() as usize;
    if !RSA_BITS.contains(&(modulus.len() * 8 - unused)) || exponent.len() > 8 {
        return None;
    }
    let value = exponent.iter().fold(0, |value: u64, byte| value << 8 | u64::from(*byte));
    let sound = value >= LEAST_EXPONENT && value % 2 == 1;
    sound.then(|| DecodingKey::from_rsa_raw_components(modulus, exponent))
}

fn p256(x: &[u8], y: &[u8]) -> Option<DecodingKey> {
    if x.len() != P256_BYTES || y.len() != P256_BYTES {
        return None;
    }
    // An uncompressed point.
    let point = [&[4], x, y].concat();
    Some(DecodingKey::from_ec_der(&point))
}

fn without_leading_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}
