//! A token before anything in it is believed: its form and its header.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::json;
use serde_json::{Map, Value};

use crate::{Alg, Reason, Settings};

const LONGEST: usize = 8192;
const LONGEST_KEY_ID: usize = 128;

/// What a token is taken for. Its header must say the same.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    Access,
    Logout,
}

/// A token of the right form, whose header we can follow. Nothing is proven yet.
pub(crate) struct Token<'a> {
    /// What the signature is about.
    pub(crate) signed: &'a str,
    /// The signature, in base64url.
    pub(crate) signature: &'a str,
    pub(crate) alg: Alg,
    pub(crate) kid: String,
    /// The JSON of the claims. Not to be read before the signature is checked.
    pub(crate) claims: Vec<u8>,
}

impl<'a> Token<'a> {
    pub(crate) fn read(
        text: &'a str,
        purpose: Purpose,
        settings: &Settings,
    ) -> Result<Self, Reason> {
        if text.len() > LONGEST {
            return Err(Reason::TooLong);
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(Reason::Parts)?;
        let (header, claims) = signed.split_once('.').ok_or(Reason::Parts)?;
        if claims.contains('.') {
            return Err(Reason::Parts);
        }
        let header = decoded(header).ok_or(Reason::Base64)?;
        let claims = decoded(claims).ok_or(Reason::Base64)?;
        decoded(signature).ok_or(Reason::Base64)?;

        let header = json::object(&header).ok().ok_or(Reason::Header)?;
        let alg = algorithm(&header).filter(|alg| settings.algorithms.contains(alg));
        let alg = alg.ok_or(Reason::Algorithm)?;
        let kid = key_id(&header).ok_or(Reason::KeyId)?;
        // What `crit` lists must be understood, and we understand no extension. `b64` is one that
        // changes what is signed. (`jku`, `x5u`, `jwk` and `x5c` are not read: keys come from one
        // place.)
        if header.contains_key("crit") || header.contains_key("b64") {
            return Err(Reason::Extension);
        }
        let typ = header.get("typ").and_then(Value::as_str).unwrap_or_default();
        if !types(purpose, settings).iter().any(|known| typ.eq_ignore_ascii_case(known)) {
            return Err(Reason::HeaderType);
        }
        Ok(Self { signed, signature, alg, kid, claims })
    }
}

/// The bytes, if `text` is the one way to write them: no padding, no white space, no stray bits.
/// Otherwise one token would have many spellings.
pub(crate) fn decoded(text: &str) -> Option<Vec<u8>> {
    if text.is_empty() {
        return None;
    }
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Whether `text` is a key id of the form that we look up and remember.
pub(crate) fn is_key_id(text: &str) -> bool {
    (1..=LONGEST_KEY_ID).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

fn algorithm(header: &Map<String, Value>) -> Option<Alg> {
    Alg::named(header.get("alg")?.as_str()?)
}

fn key_id(header: &Map<String, Value>) -> Option<String> {
    let kid = header.get("kid")?.as_str()?;
    is_key_id(kid).then(|| kid.to_owned())
}

/// The types that the header of such a token may name.
fn types(purpose: Purpose, settings: &Settings) -> &'static [&'static str] {
    match purpose {
        Purpose::Access => &["JWT", "at+jwt"],
        Purpose::Logout if settings.plain_logout_type => &["JWT", "logout+jwt"],
        Purpose::Logout => &["logout+jwt"],
    }
}
