//! The `If-Match` of a change.

use super::{Input, Shape, Step};
use crate::problem::{Kind, Problem};
use crate::request::Request;

/// The versions that the client accepts; none if any will do, as without the header and with `*`.
///
/// A list without a version matches nothing: the client asked for something that never was. Weak tags
/// count like strong ones, because those who compress answers on their way weaken tags, and ours
/// names a version and not bytes.
pub struct IfMatch(pub Option<Vec<i64>>);

impl Input for IfMatch {
    const STEP: Step = Step::Values;

    fn describe(shape: &mut Shape) {
        shape.problems.push(Kind::PreconditionFailed);
    }

    fn read(request: &Request) -> Result<Self, Problem> {
        Ok(Self(request.header("if-match").and_then(versions)))
    }
}

/// Several headers arrive as one, with commas between them.
fn versions(header: &str) -> Option<Vec<i64>> {
    if header.trim() == "*" {
        return None;
    }
    Some(header.split(',').filter_map(version).collect())
}

/// The version in an entity tag, if our way of writing it leads back to the tag.
fn version(tag: &str) -> Option<i64> {
    let tag = tag.trim();
    let opaque = tag.strip_prefix("W/").unwrap_or(tag).strip_prefix('"')?.strip_suffix('"')?;
    opaque.parse().ok().filter(|version: &i64| version.to_string() == opaque)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::etag::ETag;

    #[test]
    fn any_version_will_do_for_a_star() {
        assert_eq!(versions("*"), None);
        assert_eq!(versions(" * "), None);
    }

    #[test]
    fn every_version_of_a_list_counts_weak_or_strong() {
        assert_eq!(versions("\"7\""), Some(vec![7]));
        assert_eq!(versions("W/\"7\""), Some(vec![7]));
        assert_eq!(versions(" \"7\" ,W/\"8\",\"abc\", \"9\""), Some(vec![7, 8, 9]));
    }

    #[test]
    fn what_is_no_version_matches_nothing() {
        for header in [
            "",
            "7",
            "\"\"",
            "\"",
            "\"7",
            "w/\"7\"",
            "\"07\"",
            "\"+7\"",
            "\" 7\"",
            "\"7.0\"",
            "\"99999999999999999999\"",
            "\"a\",*",
        ] {
            assert_eq!(versions(header), Some(vec![]), "{header}");
        }
    }

    proptest! {
        #[test]
        fn the_tag_of_a_version_names_it(version in any::<i64>()) {
            prop_assert_eq!(versions(ETag::of_version(version).header()), Some(vec![version]));
        }

        #[test]
        fn any_header_gets_an_answer(header in ".{0,200}") {
            let _ = versions(&header);
        }
    }
}
