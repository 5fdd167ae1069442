//! In what order, and where a page begins.

use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::input::{Fault, parameter};
use crate::{Priority, Task, Timestamp};

/// What tasks can be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortKey {
    /// When it was made.
    CreatedAt,
    /// When it was last changed.
    UpdatedAt,
    /// When it is due; what is never due comes last, whatever the direction.
    DueAt,
    /// How much it matters.
    Priority,
}

/// An order of tasks. What is equal in it is ordered by id, in the same direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    /// By what.
    pub key: SortKey,
    /// Whether the greatest comes first.
    pub descending: bool,
}

/// Newest first.
impl Default for Sort {
    fn default() -> Self {
        Self { key: SortKey::CreatedAt, descending: true }
    }
}

impl Sort {
    /// Every order.
    pub const ALL: [Self; 8] = [
        Self { key: SortKey::CreatedAt, descending: false },
        Self { key: SortKey::CreatedAt, descending: true },
        Self { key: SortKey::UpdatedAt, descending: false },
        Self { key: SortKey::UpdatedAt, descending: true },
        Self { key: SortKey::DueAt, descending: false },
        Self { key: SortKey::DueAt, descending: true },
        Self { key: SortKey::Priority, descending: false },
        Self { key: SortKey::Priority, descending: true },
    ];

    /// The name: that of the key, after `-` if the greatest comes first.
    pub const fn name(self) -> &'static str {
        match (self.key, self.descending) {
            (SortKey::CreatedAt, false) => "created_at",
            (SortKey::CreatedAt, true) => "-created_at",
            (SortKey::UpdatedAt, false) => "updated_at",
            (SortKey::UpdatedAt, true) => "-updated_at",
            (SortKey::DueAt, false) => "due_at",
            (SortKey::DueAt, true) => "-due_at",
            (SortKey::Priority, false) => "priority",
            (SortKey::Priority, true) => "-priority",
        }
    }

    /// The order of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|sort| sort.name() == name)
    }

    /// Reads the parameter.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        const ALLOWED: &str = "created_at, updated_at, due_at, priority, each also with - in front";
        parameter::word(text, Self::named, ALLOWED)
    }

    /// What a task is sorted by.
    pub const fn key_of(self, task: &Task) -> Key {
        match self.key {
            SortKey::CreatedAt => Key::Time(Some(task.created_at)),
            SortKey::UpdatedAt => Key::Time(Some(task.updated_at)),
            SortKey::DueAt => Key::Time(task.due_at),
            SortKey::Priority => Key::Rank(task.priority.rank()),
        }
    }

    /// The place of a task in this order.
    pub const fn position_of(self, task: &Task) -> Position {
        Position { key: self.key_of(task), id: task.id }
    }

    /// Reads a key that a task could have in this order.
    pub fn read_key(self, value: &Value) -> Option<Key> {
        match (self.key, value) {
            (SortKey::DueAt, Value::Null) => Some(Key::Time(None)),
            (SortKey::CreatedAt | SortKey::UpdatedAt | SortKey::DueAt, Value::String(text)) => {
                Timestamp::parse(text).map(|time| Key::Time(Some(time)))
            }
            (SortKey::Priority, value) => Priority::ALL
                .map(Priority::rank)
                .into_iter()
                .find(|rank| value.as_i64() == Some(i64::from(*rank)))
                .map(Key::Rank),
            _ => None,
        }
    }
}

/// What a task is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Key {
    /// A point in time, or never.
    Time(Option<Timestamp>),
    /// The rank of a priority.
    Rank(i32),
}

/// The place of an entry in a list: a page begins after one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position<K = Key> {
    /// What it is sorted by.
    pub key: K,
    /// Its id, which decides between equals.
    pub id: Uuid,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn task() -> Task {
        serde_json::from_value(json!({
            "id": "0197a1b2-0000-7000-8000-000000000001", "title": "t", "description": null,
            "status": "pending", "priority": "urgent", "due_at": null, "labels": [],
            "assignee_id": null, "user_id": "0197a1b2-0000-7000-8000-000000000002", "version": 1,
            "created_at": "2026-01-01T00:00:00.001Z", "updated_at": "2026-01-02T00:00:00.002Z",
            "completed_at": null,
        }))
        .unwrap()
    }

    #[test]
    fn names_lead_back_to_what_they_name() {
        assert!(Sort::ALL.into_iter().all(|sort| Sort::parse(sort.name()) == Ok(sort)));
        assert_eq!(Sort::default().name(), "-created_at");
        for text in ["", "-", "--due_at", "title", "due_at ", "+due_at", "due_at,priority"] {
            assert!(Sort::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_task_is_sorted_by_what_the_order_names() {
        let key = |name: &str| json!(Sort::named(name).unwrap().key_of(&task()));
        assert_eq!(key("created_at"), "2026-01-01T00:00:00.001Z");
        assert_eq!(key("-updated_at"), "2026-01-02T00:00:00.002Z");
        assert_eq!(key("due_at"), Value::Null);
        assert_eq!(key("-priority"), 4);
    }

    #[test]
    fn a_written_key_is_read_back_by_its_own_order() {
        for sort in Sort::ALL {
            let key = sort.key_of(&task());
            assert_eq!(sort.read_key(&json!(key)), Some(key), "{}", sort.name());
        }
    }

    #[test]
    fn a_key_that_no_task_has_is_refused() {
        for (name, value) in [
            ("created_at", Value::Null),
            ("created_at", json!(1)),
            ("due_at", json!("1000-01-01T00:00:00Z")),
            ("due_at", json!("soon")),
            ("priority", json!(0)),
            ("priority", json!(5)),
            ("priority", json!(1.5)),
            ("priority", json!("1")),
            ("priority", Value::Null),
        ] {
            assert_eq!(Sort::named(name).unwrap().read_key(&value), None, "{name} {value}");
        }
    }

    proptest! {
        #[test]
        fn any_time_is_read_back(ms in -2_208_988_800_000_i64..253_402_300_800_000) {
            let nanoseconds = i128::from(ms) * 1_000_000;
            let time = time::OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).unwrap();
            let key = Key::Time(Timestamp::new(time));
            prop_assert_ne!(&key, &Key::Time(None));
            prop_assert_eq!(Sort::default().read_key(&json!(key)), Some(key));
        }
    }
}
