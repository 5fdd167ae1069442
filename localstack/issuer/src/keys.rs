//! The keys: made at start, never written anywhere.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine as _};
use jsonwebtoken::jwk::{Jwk, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Value, json};

/// What a key signs with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alg {
    /// RSA 2048, PKCS #1 v1.5: the default, as in Keycloak.
    Rs256,
    /// RSA 2048, PSS.
    Ps256,
    /// P-256.
    Es256,
}

/// A key could not be made or used; with keys of our own making that is a bug.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    #[error("the crypto library could not make a key")]
    Make(#[from] aws_lc_rs::error::Unspecified),
    #[error(transparent)]
    Use(#[from] jsonwebtoken::errors::Error),
}

struct Key {
    alg: Alg,
    kid: String,
    private: EncodingKey,
    jwk: Value,
    public_der: Vec<u8>,
}

/// Every key the JWKS shows. The newest key of an algorithm is the one that signs.
pub(crate) struct Keys {
    newest: Key,
    /// The rest, oldest first: other algorithms, and keys rotated out but not retired.
    others: Vec<Key>,
    /// Keycloak's JWKS has a key with `use: enc` too; whoever verifies must pass over it.
    encryption: Value,
}

impl Keys {
    pub(crate) fn generate() -> Result<Self, KeyError> {
        let mut encryption = Key::generate(Alg::Rs256)?.jwk;
        encryption["use"] = json!("enc");
        encryption["alg"] = json!("RSA-OAEP");
        Ok(Self { newest: Key::generate(Alg::Rs256)?, others: Vec::new(), encryption })
    }

    pub(crate) fn rotate(&mut self) -> Result<&str, KeyError> {
        let old = std::mem::replace(&mut self.newest, Key::generate(Alg::Rs256)?);
        self.others.push(old);
        Ok(&self.newest.kid)
    }

    pub(crate) fn add(&mut self, alg: Alg) -> Result<(), KeyError> {
        if alg == Alg::Rs256 {
            self.rotate()?;
        } else {
            self.others.push(Key::generate(alg)?);
        }
        Ok(())
    }

    /// Drops every key that no longer signs.
    pub(crate) fn retire(&mut self) {
        let keep = [Alg::Ps256, Alg::Es256].map(|alg| self.current(alg).map(|key| key.kid.clone()));
        self.others.retain(|key| keep.contains(&Some(key.kid.clone())));
    }

    pub(crate) fn jwks(&self) -> Value {
        let keys = std::iter::once(&self.encryption)
            .chain(std::iter::once(&self.newest.jwk))
            .chain(self.others.iter().rev().map(|key| &key.jwk));
        json!({ "keys": keys.collect::<Vec<_>>() })
    }

    pub(crate) fn public_pem(&self) -> String {
        pem("PUBLIC KEY", &self.newest.public_der)
    }

    /// Signs a header and claims exactly as given; `alg`, `kid` and `typ` are added if the header
    /// does not speak of them, and left out where it says null.
    pub(crate) fn sign(&mut self, header: &Value, claims: &Value) -> Result<String, KeyError> {
        let mut header = header.as_object().cloned().unwrap_or_default();
        let alg = header.entry("alg").or_insert_with(|| json!("RS256")).clone();
        let alg = alg.as_str().unwrap_or("RS256").to_owned();
        let wanted = Alg::that_signs(&alg);
        if self.current(wanted).is_none() {
            self.add(wanted)?;
        }
        let key = self.current(wanted).unwrap_or(&self.newest);
        header.entry("kid").or_insert_with(|| json!(key.kid));
        header.entry("typ").or_insert_with(|| json!("JWT"));
        header.retain(|_, value| !value.is_null());
        let message = format!("{}.{}", encode(&Value::Object(header)), encode(claims));
        let signature = self.signature(&message, &alg, key)?;
        Ok(format!("{message}.{signature}"))
    }

    fn signature(&self, message: &str, alg: &str, key: &Key) -> Result<String, KeyError> {
        let message = message.as_bytes();
        let symmetric = || EncodingKey::from_secret(self.public_pem().as_bytes());
        Ok(match alg.parse() {
            _ if alg.eq_ignore_ascii_case("none") => String::new(),
            Ok(hmac @ (Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512)) => {
                crypto::sign(message, &symmetric(), hmac)?
            }
            Ok(same) if same != Algorithm::EdDSA && same != Algorithm::ES384 => {
                crypto::sign(message, &key.private, same)?
            }
            _ => crypto::sign(message, &key.private, key.alg.algorithm())?,
        })
    }

    fn current(&self, alg: Alg) -> Option<&Key> {
        std::iter::once(&self.newest).chain(self.others.iter().rev()).find(|key| key.alg == alg)
    }
}

impl Alg {
    /// Whose key signs under this name in a header; RS256 answers for what is no name of ours.
    fn that_signs(name: &str) -> Self {
        match name {
            "ES256" => Self::Es256,
            "PS256" => Self::Ps256,
            _ => Self::Rs256,
        }
    }

    fn algorithm(self) -> Algorithm {
        match self {
            Self::Rs256 => Algorithm::RS256,
            Self::Ps256 => Algorithm::PS256,
            Self::Es256 => Algorithm::ES256,
        }
    }
}

impl Key {
    fn generate(alg: Alg) -> Result<Self, KeyError> {
        let (private, public_der) = match alg {
            Alg::Rs256 | Alg::Ps256 => {
                let pair = KeyPair::generate(KeySize::Rsa2048)?;
                let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair)?;
                // From PEM, because the reader of DER expects the older PKCS #1 structure.
                let private =
                    EncodingKey::from_rsa_pem(pem("PRIVATE KEY", der.as_ref()).as_bytes())?;
                let public = AsDer::<PublicKeyX509Der<'_>>::as_der(pair.public_key())?;
                (private, public.as_ref().to_vec())
            }
            Alg::Es256 => {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?;
                let private = EncodingKey::from_ec_der(pair.to_pkcs8v1()?.as_ref());
                let public = AsDer::<PublicKeyX509Der<'_>>::as_der(pair.public_key())?;
                (private, public.as_ref().to_vec())
            }
        };
        let mut jwk = Jwk::from_encoding_key(&private, alg.algorithm())?;
        let kid = jwk.thumbprint(ThumbprintHash::SHA256)?;
        jwk.common.key_id = Some(kid.clone());
        jwk.common.public_key_use = Some(jsonwebtoken::jwk::PublicKeyUse::Signature);
        let jwk = serde_json::to_value(jwk).map_err(jsonwebtoken::errors::Error::from)?;
        Ok(Self { alg, kid, private, jwk, public_der })
    }
}

pub(crate) fn encode(value: &Value) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(value.to_string())
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    let mut lines = String::new();
    for (index, character) in text.chars().enumerate() {
        if index > 0 && index % 64 == 0 {
            lines.push('\n');
        }
        lines.push(character);
    }
    format!("-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n")
}
