//! The keys that an issuer publishes.

use std::fmt;

use domain::json::object;

use serde_json::{Value, json};

use crate::jwk::Key;
use crate::token::Token;
use crate::{Alg, Reason};

/// More keys than any issuer has, and few enough to look through.
const MOST_KEYS: usize = 32;

/// Published keys, as far as they can check a token of ours. Never empty.
pub struct KeySet(Vec<Key>);

/// Why a document is no set of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotKeys {
    /// Not JSON, not an object, or without a list of keys.
    #[error("the answer is not a set of keys")]
    Form,
    /// More keys than an issuer has.
    #[error("the set holds more than 32 keys")]
    TooMany,
    /// Keys for encryption only, or too short, or for other algorithms.
    #[error("the set holds no usable key")]
    NoneUsable,
}

impl KeySet {
    /// Reads a JWK set. Keys that cannot be used for `allowed` are left out.
    pub fn read(json: &[u8], allowed: &[Alg]) -> Result<Self, NotKeys> {
        let object = object(json).ok().ok_or(NotKeys::Form)?;
        let list = object.get("keys").and_then(Value::as_array).ok_or(NotKeys::Form)?;
        if list.len() > MOST_KEYS {
            return Err(NotKeys::TooMany);
        }
        let mut keys: Vec<Key> = list
            .iter()
            .filter_map(Value::as_object)
            .filter_map(|jwk| Key::read(jwk, allowed))
            .collect();
        if keys.is_empty() {
            return Err(NotKeys::NoneUsable);
        }
        // The order of a set means nothing; sorted, equal sets are written equally.
        keys.sort_by(|a, b| a.kid.cmp(&b.kid));
        Ok(Self(keys))
    }

    /// The set as JSON that `read` understands: what can be used, in one way of writing it.
    pub fn to_json(&self) -> String {
        let keys: Vec<&Value> = self.0.iter().map(|key| &key.public).collect();
        json!({ "keys": keys }).to_string()
    }

    /// Whether there is a key of that id.
    pub(crate) fn has(&self, kid: &str) -> bool {
        self.0.iter().any(|key| key.kid == kid)
    }

    /// Whether the token was signed by the key that it names, in the way that this key is for.
    pub(crate) fn check(&self, token: &Token<'_>) -> Result<(), Reason> {
        let mut named = self.0.iter().filter(|key| key.kid == token.kid).peekable();
        if named.peek().is_none() {
            return Err(Reason::UnknownKey);
        }
        let key =
            named.find(|key| key.algorithms.contains(&token.alg)).ok_or(Reason::KeyMismatch)?;
        let signed = token.signed.as_bytes();
        match jsonwebtoken::crypto::verify(token.signature, signed, &key.decoding, token.alg.into())
        {
            Ok(true) => Ok(()),
            _ => Err(Reason::Signature),
        }
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeySet({} keys)", self.0.len())
    }
}
