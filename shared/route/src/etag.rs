//! Entity tags, and what clients compare them with.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// How many bytes of a digest tell bodies apart.
const DIGEST_BYTES: usize = 16;

/// The tag of a representation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ETag(String);

impl ETag {
    /// The tag of a version: `"7"`.
    pub fn of_version(version: i64) -> Self {
        Self(format!("\"{version}\""))
    }

    /// The tag of a body without a version: `W/"…"`. Weak, because what it shows may be made of more
    /// than one thing's state.
    pub fn of_body(body: &str) -> Self {
        let digest = digest(&SHA256, body.as_bytes());
        let start = URL_SAFE_NO_PAD.encode(&digest.as_ref()[..DIGEST_BYTES]);
        Self(format!("W/\"{start}\""))
    }

    /// As it stands in the header.
    pub fn header(&self) -> &str {
        &self.0
    }

    /// Whether an `If-None-Match` header names this tag. A header that cannot be read names nothing.
    pub(crate) fn is_named_by(&self, header: &str) -> bool {
        header.trim() == "*"
            || header.split(',').map(str::trim).any(|tag| opaque(tag) == opaque(&self.0))
    }
}

/// A tag without its weakness: for reading, weak and strong tags compare alike.
fn opaque(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_found_among_others() {
        let tag = ETag::of_version(7);
        for header in ["\"7\"", "W/\"7\"", "\"6\", \"7\"", "*", " * "] {
            assert!(tag.is_named_by(header), "{header}");
        }
        for header in ["", "7", "\"77\"", "\"6\"", "\"7", "**"] {
            assert!(!tag.is_named_by(header), "{header}");
        }
    }

    #[test]
    fn equal_bodies_have_equal_weak_tags() {
        let tag = ETag::of_body(r#"{"items":[]}"#);
        assert!(tag.header().starts_with("W/\"") && tag.header().len() == 26, "{tag:?}");
        assert_eq!(tag, ETag::of_body(r#"{"items":[]}"#));
        assert_ne!(tag, ETag::of_body(r#"{"items":[1]}"#));
        assert!(tag.is_named_by(tag.header()));
        assert!(tag.is_named_by(tag.header().trim_start_matches("W/")));
    }
}
