//! Which client asks, and whether it is the one it says.

use std::collections::HashMap;

use base64::prelude::{BASE64_STANDARD, Engine as _};

use crate::realm::{Client, Realm};
use crate::refusal::Refusal;

/// The parameters of a request to the token or logout endpoint.
#[derive(Debug, Default)]
pub(crate) struct Form(HashMap<String, String>);

impl Form {
    /// OAuth forbids to send a parameter twice (RFC 6749, 3.2).
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Refusal> {
        let mut fields = HashMap::new();
        for (name, value) in form_urlencoded::parse(body).into_owned() {
            if fields.insert(name, value).is_some() {
                return Err(Refusal::request("duplicated parameter"));
            }
        }
        Ok(Self(fields))
    }

    /// A parameter; an empty one counts as missing.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

/// Finds the client by HTTP Basic or by the form, and checks its secret if it has one to keep.
pub(crate) fn authenticate<'a>(
    realm: &'a Realm,
    authorization: Option<&str>,
    form: &Form,
) -> Result<&'a Client, Refusal> {
    let basic = authorization.and_then(basic);
    let (id, secret) = match &basic {
        Some((id, secret)) => (Some(id.as_str()), Some(secret.as_str())),
        None => (form.get("client_id"), form.get("client_secret")),
    };
    let client = id
        .and_then(|id| realm.client(id))
        .filter(|client| client.enabled)
        .ok_or_else(Refusal::no_client)?;
    let proven = client.public_client
        || (!client.bearer_only && !client.secret.is_empty() && secret == Some(&client.secret));
    if proven { Ok(client) } else { Err(Refusal::bad_client()) }
}

fn basic(header: &str) -> Option<(String, String)> {
    let (scheme, value) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(BASE64_STANDARD.decode(value.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}
