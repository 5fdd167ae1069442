//! The form of a cached value.

use config::defaults::CACHED_LIMIT;
use domain::Task;
use domain::listing::TaskPage;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::entry::Entry;

/// What can be cached.
pub trait Cached: Serialize + DeserializeOwned + Send + Sync {
    /// The number of its form: another one, when a field comes, goes or means something else. Values
    /// of other forms, which functions of another version left, are not used.
    const SCHEMA: u32;
}

impl Cached for Task {
    const SCHEMA: u32 = 1;
}

impl Cached for TaskPage {
    const SCHEMA: u32 = 1;
}

#[derive(Serialize)]
struct Written<'a, T> {
    schema: u32,
    name: &'a str,
    value: &'a T,
}

#[derive(Deserialize)]
struct Read<'a, T> {
    schema: u32,
    name: &'a str,
    value: T,
}

/// The text to keep, unless it would be too long.
pub(crate) fn encode<T: Cached>(entry: &Entry, value: &T) -> Option<String> {
    let written = Written { schema: T::SCHEMA, name: &entry.name(), value };
    serde_json::to_string(&written).ok().filter(|text| text.len() <= CACHED_LIMIT)
}

/// The value, if the text is one of this form and belongs where it was found.
pub(crate) fn decode<T: Cached>(entry: &Entry, text: &str) -> Option<T> {
    let read: Read<'_, T> = serde_json::from_str(text).ok()?;
    (read.schema == T::SCHEMA && read.name == entry.name()).then_some(read.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Thing(String);

    impl Cached for Thing {
        const SCHEMA: u32 = 1;
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Later(String);

    impl Cached for Later {
        const SCHEMA: u32 = 2;
    }

    fn entry(last: u8) -> Entry {
        Entry::task(uuid::Uuid::from_u128(last.into()))
    }

    #[test]
    fn a_value_is_read_where_it_was_written_and_nowhere_else() {
        let text = encode(&entry(1), &Thing("x".into())).unwrap();
        assert_eq!(decode(&entry(1), &text), Some(Thing("x".into())));
        assert_eq!(decode::<Thing>(&entry(2), &text), None);
        assert_eq!(decode::<Later>(&entry(1), &text), None);
        for lie in ["", "{}", "null", "\"x\"", &text[1..], &text.replace('1', "2")] {
            assert_eq!(decode::<Thing>(&entry(1), lie), None, "{lie}");
        }
    }

    #[test]
    fn what_is_too_long_is_not_kept() {
        assert_eq!(encode(&entry(1), &Thing("x".repeat(CACHED_LIMIT))), None);
    }
}
