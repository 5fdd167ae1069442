//! The `Authorization` header.

use crate::{Reason, Refusal};

const SCHEME: &str = "bearer";

/// The token of the header's one value.
pub(crate) fn token<'a>(values: &[&'a str]) -> Result<&'a str, Refusal> {
    let value = match values {
        [] => return Err(Refusal::Missing),
        [value] => value.trim_matches([' ', '\t']),
        _ => return Err(Reason::Repeated.into()),
    };
    // The gateway joins repeated headers: which of them would count is nobody's to guess.
    if value.contains(',') {
        return Err(Reason::Malformed.into());
    }
    let end = value.find([' ', '\t']).unwrap_or(value.len());
    let (scheme, rest) = value.split_at(end);
    // Other credentials, or the bare word, are no token: the client is told how to send one.
    if !scheme.eq_ignore_ascii_case(SCHEME) || rest.is_empty() {
        return Err(Refusal::Missing);
    }
    match rest.strip_prefix(' ') {
        Some(token) if !token.starts_with([' ', '\t']) => Ok(token),
        _ => Err(Reason::Malformed.into()),
    }
}
