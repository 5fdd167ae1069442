//! Cursors: where the next page of a list begins, in a form that clients only pass on.
//!
//! A cursor belongs to a list: to its order, and to the question that it answers. It carries no
//! rights; whoever follows one is asked for theirs again.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::listing::Position;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::problem::{Kind, Problem};

/// Longer than any cursor: the longest name that Keycloak allows (255 characters), in base64.
const LONGEST: usize = 2048;
/// How many bytes of a digest tell questions apart.
const DIGEST_BYTES: usize = 12;

/// Writes and reads cursors.
pub enum Cursor {}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content<K, S> {
    /// What the entry is sorted by.
    k: K,
    /// Its id.
    i: Uuid,
    /// The order.
    s: S,
    /// The digest of the question.
    f: String,
}

impl Cursor {
    /// The cursor of the page that begins after a position, in a list of that order (`sort`) and that
    /// question (`filter`).
    pub fn after<K: Serialize>(position: &Position<K>, sort: &str, filter: &str) -> String {
        let content = Content { k: &position.key, i: position.id, s: sort, f: digest_of(filter) };
        // Our own types: texts, numbers and null.
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(&content).unwrap_or_default())
    }

    /// The position in a cursor, if it belongs to a list of that order and that question. `key` reads
    /// what an entry of the list can be sorted by, and nothing else.
    pub fn read<K>(
        cursor: &str,
        sort: &str,
        filter: &str,
        key: impl FnOnce(&Value) -> Option<K>,
    ) -> Result<Position<K>, Problem> {
        let position = || {
            let content = content(cursor)?;
            if content.s != sort || content.f != digest_of(filter) {
                return None;
            }
            Some(Position { key: key(&content.k)?, id: content.i })
        };
        position().ok_or_else(|| Problem::new(Kind::InvalidCursor))
    }
}

fn content(cursor: &str) -> Option<Content<Value, String>> {
    if cursor.len() > LONGEST {
        return None;
    }
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()
}

fn digest_of(filter: &str) -> String {
    URL_SAFE_NO_PAD.encode(&digest(&SHA256, filter.as_bytes()).as_ref()[..DIGEST_BYTES])
}

#[cfg(test)]
mod tests {
    use domain::listing::{Key, Sort};
    use domain::{Private, Timestamp, User};
    use proptest::prelude::*;
    use serde_json::json;
    use time::OffsetDateTime;

    use super::*;

    const ID: Uuid = Uuid::from_u128(7);

    fn kind<K>(read: Result<Position<K>, Problem>) -> Option<Kind> {
        read.err().map(|problem| problem.kind())
    }

    /// Reads a cursor of the list of tasks by creation.
    fn by_creation(cursor: &str) -> Result<Position, Problem> {
        let sort = Sort::default();
        Cursor::read(cursor, sort.name(), "f", |value| sort.read_key(value))
    }

    fn encoded(content: &Value) -> String {
        URL_SAFE_NO_PAD.encode(content.to_string())
    }

    fn good() -> Value {
        json!({
            "k": "2026-01-31T09:30:00.000Z", "i": ID, "s": "-created_at", "f": digest_of("f"),
        })
    }

    #[test]
    fn a_cursor_is_compact_and_says_nothing_of_the_question() {
        let time = Timestamp::parse("2026-01-31T09:30:00Z");
        let cursor =
            Cursor::after(&Position { key: Key::Time(time), id: ID }, "-created_at", "secret");
        let content = String::from_utf8(URL_SAFE_NO_PAD.decode(&cursor).unwrap()).unwrap();
        let expected = format!(
            r#"{{"k":"2026-01-31T09:30:00.000Z","i":"{ID}","s":"-created_at","f":"{}"}}"#,
            digest_of("secret")
        );
        assert_eq!(content, expected);
        assert_eq!(digest_of("secret").len(), 16);
    }

    #[test]
    fn a_cursor_of_our_own_form_is_read() {
        assert_eq!(kind(by_creation(&encoded(&good()))), None);
    }

    #[test]
    fn whatever_is_wrong_is_the_same_problem() {
        let mut wrong = vec![String::new(), "?".into(), encoded(&json!([])), encoded(&json!({}))];
        for (member, value) in [
            ("k", Value::Null),
            ("k", json!(1)),
            ("k", json!("1000-01-01T00:00:00.000Z")),
            ("i", json!("x")),
            ("s", json!("created_at")),
            ("f", json!("")),
            ("x", json!(1)),
        ] {
            let mut content = good();
            content[member] = value;
            wrong.push(encoded(&content));
        }
        for member in ["k", "i", "s", "f"] {
            let mut content = good();
            content.as_object_mut().unwrap().remove(member);
            wrong.push(encoded(&content));
        }
        let whole = encoded(&good());
        wrong.push(whole[..whole.len() - 4].to_owned());
        wrong.push(format!("{whole}="));
        // As good as any, but for its length.
        wrong.push(URL_SAFE_NO_PAD.encode(format!("{}{}", good(), " ".repeat(LONGEST))));
        for cursor in wrong {
            assert_eq!(kind(by_creation(&cursor)), Some(Kind::InvalidCursor), "{cursor}");
        }
    }

    fn any_position() -> impl Strategy<Value = (Sort, Position)> {
        let time = (-2_208_988_800_000_i64..253_402_300_800_000).prop_map(|ms| {
            let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000);
            time.ok().and_then(Timestamp::new)
        });
        (prop::sample::select(Sort::ALL.to_vec()), time, 1..=4, any::<bool>(), any::<u128>())
            .prop_map(|(sort, time, rank, never, id)| {
                let key = match sort.name().trim_start_matches('-') {
                    "priority" => Key::Rank(rank),
                    "due_at" if never => Key::Time(None),
                    _ => Key::Time(time),
                };
                (sort, Position { key, id: Uuid::from_u128(id) })
            })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read((sort, position) in any_position(), filter in ".{0,40}") {
            let cursor = Cursor::after(&position, sort.name(), &filter);
            let read = Cursor::read(&cursor, sort.name(), &filter, |value| sort.read_key(value));
            prop_assert_eq!(read.ok(), Some(position));
        }

        #[test]
        fn any_name_fits(name in r"[^\x00-\x1f]{1,255}") {
            let position = Position { key: Private::new(name), id: ID };
            let cursor = Cursor::after(&position, "username", "f");
            let read = Cursor::read(&cursor, "username", "f", User::read_key);
            prop_assert_eq!(read.ok(), Some(position));
        }

        #[test]
        fn a_cursor_of_another_list_is_refused(
            (sort, position) in any_position(),
            other in prop::sample::select(Sort::ALL.to_vec()),
            filter in "[a-z]{0,8}",
            other_filter in "[a-z]{0,8}",
        ) {
            let cursor = Cursor::after(&position, sort.name(), &filter);
            let read =
                Cursor::read(&cursor, other.name(), &other_filter, |value| other.read_key(value));
            prop_assert_eq!(read.is_ok(), sort == other && filter == other_filter);
        }

        #[test]
        fn any_text_gets_an_answer(
            text in ".{0,200}",
            bytes in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let refused = Some(Kind::InvalidCursor);
            prop_assert_eq!(kind(by_creation(&text)), refused);
            prop_assert_eq!(kind(by_creation(&URL_SAFE_NO_PAD.encode(bytes))), refused);
        }
    }
}
