//! Entity tags, and what clients compare them with.

/// The tag of a representation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ETag(String);

impl ETag {
    /// The tag of a version: `"7"`.
    pub fn of_version(version: i64) -> Self {
        Self(format!("\"{version}\""))
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
}
