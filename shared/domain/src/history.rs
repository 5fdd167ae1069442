//! What happened: entries of the audit. A task's history is its part of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::event::{Change, Kind};
use crate::input::{Fault, parameter};
use crate::listing::Position;
use crate::{Private, Timestamp};

/// An event as the API shows it. The order of the fields is the order in the answer.
///
/// Kinds are words and no more: an entry that a later release wrote is shown by this one, too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// The event's own id.
    pub id: Uuid,
    /// What happened.
    pub event: String,
    /// To which task; none if it is not about a task.
    pub task_id: Option<Uuid>,
    /// What it is about, if not a task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<About>,
    /// The version that it made of what it is about.
    pub version: i64,
    /// Who did it; none if the system did.
    pub actor: Option<Actor>,
    /// When.
    pub at: Timestamp,
    /// The request that did it.
    pub request_id: String,
    /// From what to what; long texts by their length.
    pub changes: BTreeMap<String, Change>,
}

/// What an entry is about that is not about a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// What kind of thing.
    #[serde(rename = "type")]
    pub kind: String,
    /// Which.
    pub id: Uuid,
}

/// Who did something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The `sub` of their tokens.
    pub id: Uuid,
    /// The name that they sign in with now; none if they were never seen.
    pub username: Option<Private<String>>,
}

impl HistoryEntry {
    /// The place in the history of a task: the newest version comes first.
    pub const fn position(&self) -> Position<i64> {
        Position { key: self.version, id: self.id }
    }

    /// Reads the key of such a place.
    pub fn read_key(value: &Value) -> Option<i64> {
        value.as_i64().filter(|version| *version >= 1)
    }

    /// The place in the audit, which is in the order of ids alone.
    pub const fn place(&self) -> Position<()> {
        Position { key: (), id: self.id }
    }

    /// Reads the key of such a place: there is none.
    pub fn read_no_key(value: &Value) -> Option<()> {
        value.is_null().then_some(())
    }
}

/// Which events an audit is asked for: those for which everything that is asked is true.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AuditFilter {
    /// About this task.
    pub task_id: Option<Uuid>,
    /// By this user.
    pub actor_id: Option<Uuid>,
    /// Of this kind.
    pub event: Option<Kind>,
    /// Of this request.
    pub request_id: Option<Private<String>>,
    /// At this time or later.
    pub from: Option<Timestamp>,
    /// Earlier than this.
    pub to: Option<Timestamp>,
}

impl AuditFilter {
    /// The question as one text, of which a cursor keeps a mark. A condition that nobody asked for leaves
    /// no trace in it.
    pub fn canonical(&self) -> Private<String> {
        let mut question = serde_json::to_value(self).unwrap_or_default();
        if let Value::Object(conditions) = &mut question {
            conditions.retain(|_, asked| !asked.is_null());
        }
        Private::new(question.to_string())
    }
}

/// Reads the kind of an event.
pub fn event(text: &str) -> Result<Kind, Fault> {
    let allowed = Kind::ALL.map(Kind::name).join(", ");
    parameter::word(text, Kind::named, &allowed)
}

/// Reads the id of a request: any text that is one.
pub fn request_id(text: &str) -> Result<Private<String>, Fault> {
    const LONGEST: usize = 128;
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if (1..=LONGEST).contains(&text.len()) && text.bytes().all(known) {
        return Ok(Private::new(text.to_owned()));
    }
    let words = "must be 1 to 128 letters, digits, dots, underscores or hyphens";
    Err(Fault::new("invalid_value", words))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ID: &str = "0197a1b2-0000-7000-8000-000000000001";

    #[test]
    fn an_entry_is_written_as_it_was_read_and_its_fields_in_order() {
        let json = json!({
            "id": ID, "event": "task.flown", "task_id": ID, "version": 3,
            "actor": {"id": ID, "username": null}, "at": "2026-01-31T09:30:00.000Z",
            "request_id": "r", "changes": {"title": {"from": "a", "to": "b"}},
        });
        let entry: HistoryEntry = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(json!(entry), json);
        let text = serde_json::to_string(&entry).unwrap();
        assert!(text.starts_with(&format!(r#"{{"id":"{ID}","event":"task.flown","task_id""#)));
        assert!(!format!("{entry:?}").contains("\"a\""), "titles are private");

        let with = json!({"type": "export", "id": ID});
        let entry = HistoryEntry { subject: serde_json::from_value(with.clone()).ok(), ..entry };
        assert_eq!(json!(entry)["subject"], with);
        assert_eq!(HistoryEntry::read_key(&json!(entry.position().key)), Some(3));
        assert_eq!(HistoryEntry::read_no_key(&json!(entry.place().key)), Some(()));
    }

    #[test]
    fn what_no_entry_has_is_no_key() {
        for value in [json!(0), json!(-1), json!("1"), json!(1.5), Value::Null] {
            assert_eq!(HistoryEntry::read_key(&value), None, "{value}");
        }
        assert_eq!(HistoryEntry::read_no_key(&json!(1)), None);
    }

    #[test]
    fn an_unknown_kind_is_answered_with_the_known_ones() {
        assert_eq!(event("task.created"), Ok(Kind::TaskCreated));
        for text in ["", "task", "Task.created", "task.created,task.deleted"] {
            let error = event(text).unwrap_err().of_parameter("event");
            assert_eq!(error.code, "invalid_value");
            assert!(error.detail.starts_with("must be one of task.created, "), "{}", error.detail);
        }
    }

    #[test]
    fn a_request_has_an_id_of_the_form_that_answers_show() {
        for text in ["a", "A-b_c.9", &"x".repeat(128)] {
            assert_eq!(request_id(text), Ok(Private::new(text.to_owned())));
        }
        for text in ["", "a b", "\u{e4}", "a/b", &"x".repeat(129)] {
            assert!(request_id(text).is_err(), "{text}");
        }
    }

    #[test]
    fn every_condition_changes_the_canonical_text() {
        let (id, time) = (ID.parse().ok(), Timestamp::parse("2026-01-31T09:30:00Z"));
        let none = AuditFilter::default();
        let filters = [
            none.clone(),
            AuditFilter { task_id: id, ..none.clone() },
            AuditFilter { actor_id: id, ..none.clone() },
            AuditFilter { event: Some(Kind::TaskDeleted), ..none.clone() },
            AuditFilter { event: Some(Kind::TaskCreated), ..none.clone() },
            AuditFilter { request_id: Some(Private::new("r".into())), ..none.clone() },
            AuditFilter { from: time, ..none.clone() },
            AuditFilter { to: time, ..none },
        ];
        assert_eq!(filters[0].canonical().expose(), "{}");
        let mut texts: Vec<_> = filters.iter().map(|f| f.canonical().expose().clone()).collect();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), filters.len());
    }
}
