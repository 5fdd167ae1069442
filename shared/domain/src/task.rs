//! Tasks: what one is, who may see it, and what a new one must be.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::input::{self, Fault, Fields, Invalid};
use crate::{Permission, Permissions, Private, Timestamp};

/// A task as the API shows it. The order of the fields is the order in the answer.
///
/// Answers are stored with their idempotency keys for a day and read back by later releases (and by
/// earlier ones after a roll-back): a new field needs `#[serde(default)]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// UUIDv7.
    pub id: Uuid,
    /// 1 to 255 characters.
    pub title: Private<String>,
    /// Up to 10,000 characters.
    pub description: Option<Private<String>>,
    /// Where the work stands.
    pub status: Status,
    /// How much it matters.
    pub priority: Priority,
    /// When it should be done.
    pub due_at: Option<Timestamp>,
    /// Up to 20, in the order given.
    pub labels: Vec<Private<String>>,
    /// Whose turn it is.
    pub assignee_id: Option<Uuid>,
    /// The owner.
    pub user_id: Uuid,
    /// Counts the committed changes; the ETag.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When it was completed, while it is.
    pub completed_at: Option<Timestamp>,
    /// When it was deleted; only views of the trash show it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
}

impl Task {
    /// Whether a caller may know that this task exists.
    ///
    /// Asked of every task that leaves the system, wherever it came from.
    pub fn visible_to(&self, caller: Uuid, permissions: Permissions) -> bool {
        permissions.has(Permission::TasksReadAll)
            || self.user_id == caller
            || self.assignee_id == Some(caller)
    }
}

/// Where the work on a task stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Not begun.
    #[default]
    Pending,
    /// Begun.
    InProgress,
    /// Done.
    Completed,
    /// Will not be done.
    Rejected,
}

impl Status {
    /// The status of that name; `in-progress` is understood too.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "pending" => Self::Pending,
            "in_progress" | "in-progress" => Self::InProgress,
            "completed" => Self::Completed,
            "rejected" => Self::Rejected,
            _ => return None,
        })
    }

    /// The name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Rejected => "rejected",
        }
    }
}

/// How much a task matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Some day.
    Low,
    /// As things come.
    #[default]
    Normal,
    /// Before others.
    High,
    /// Now.
    Urgent,
}

impl Priority {
    /// The priority of that name.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "low" => Self::Low,
            "normal" => Self::Normal,
            "high" => Self::High,
            "urgent" => Self::Urgent,
            _ => return None,
        })
    }

    /// The name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
            Self::Urgent => "urgent",
        }
    }
}

/// The writable fields of a task that is to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTask {
    /// 1 to 255 characters, without white space around it.
    pub title: Private<String>,
    /// Up to 10,000 characters.
    pub description: Option<Private<String>>,
    /// `pending` if left out.
    pub status: Status,
    /// `normal` if left out.
    pub priority: Priority,
    /// With time and offset.
    pub due_at: Option<Timestamp>,
    /// Up to 20, each 1 to 50 characters, without duplicates.
    pub labels: Vec<Private<String>>,
    /// A known, active user.
    pub assignee_id: Option<Uuid>,
}

impl NewTask {
    /// Reads the body of a create.
    pub fn from_json(object: Map<String, Value>) -> Result<Self, Invalid> {
        let mut f = Fields::of(object);
        let title = f.required("title", title);
        let description = f.nullable("description", description);
        let status = f.optional("status", status);
        let priority = f.optional("priority", priority);
        let due_at = f.nullable("due_at", input::timestamp);
        let labels = f.optional("labels", labels);
        let assignee_id = f.nullable("assignee_id", input::uuid);
        f.finish(|| {
            Some(Self {
                title: title?,
                description: description.flatten(),
                status: status.unwrap_or_default(),
                priority: priority.unwrap_or_default(),
                due_at: due_at.flatten(),
                labels: labels.unwrap_or_default(),
                assignee_id: assignee_id.flatten(),
            })
        })
    }
}

fn title(value: Value) -> Result<Private<String>, Fault> {
    input::trimmed_up_to(value, 255).map(Private::new)
}

fn description(value: Value) -> Result<Private<String>, Fault> {
    input::text_up_to(value, 10_000).map(Private::new)
}

fn status(value: Value) -> Result<Status, Fault> {
    input::word(value, Status::named, "pending, in_progress, completed, rejected")
}

fn priority(value: Value) -> Result<Priority, Fault> {
    input::word(value, Priority::named, "low, normal, high, urgent")
}

fn labels(value: Value) -> Result<Vec<Private<String>>, Fault> {
    const MOST: usize = 20;
    let Value::Array(values) = value else {
        return Err(Fault::new("wrong_type", "must be a list of strings"));
    };
    let mut labels = Vec::new();
    for (index, value) in values.into_iter().enumerate() {
        let label = Private::new(input::trimmed_up_to(value, 50).map_err(|f| f.at(index))?);
        if !labels.contains(&label) {
            if labels.len() == MOST {
                return Err(Fault::new("too_many", format!("must be at most {MOST} labels")));
            }
            labels.push(label);
        }
    }
    Ok(labels)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(value: Value) -> Result<NewTask, Invalid> {
        match value {
            Value::Object(object) => NewTask::from_json(object),
            other => panic!("{other}"),
        }
    }

    fn faults(value: Value) -> Vec<(String, &'static str)> {
        let Invalid(errors) = read(value).unwrap_err();
        errors.into_iter().map(|e| (e.pointer.unwrap_or_default(), e.code)).collect()
    }

    #[test]
    fn a_title_is_enough() {
        let task = read(json!({"title": "  water the plants \n"})).unwrap();
        assert_eq!(task.title.expose(), "water the plants");
        assert_eq!((task.status, task.priority), (Status::Pending, Priority::Normal));
        assert!(task.labels.is_empty());
    }

    #[test]
    fn limits_count_characters_and_not_bytes() {
        assert!(read(json!({"title": "ä".repeat(255)})).is_ok());
        assert_eq!(faults(json!({"title": "ä".repeat(256)})), [("#/title".into(), "too_long")]);
        assert!(read(json!({"title": "t", "description": "é".repeat(10_000)})).is_ok());
    }

    #[test]
    fn labels_are_trimmed_and_counted_once() {
        let task = read(json!({"title": "t", "labels": ["b", " a ", "b", "a"]})).unwrap();
        let labels: Vec<_> = task.labels.iter().map(Private::expose).collect();
        assert_eq!(labels, ["b", "a"]);
        let many: Vec<_> = (0..21).map(|i| format!("l{i}")).collect();
        assert_eq!(
            faults(json!({"title": "t", "labels": many})),
            [("#/labels".into(), "too_many")]
        );
        let wrong = json!({"title": "t", "labels": ["a", " "]});
        assert_eq!(faults(wrong), [("#/labels/1".into(), "too_short")]);
    }

    #[test]
    fn the_hyphen_of_in_progress_is_forgiven() {
        let task = read(json!({"title": "t", "status": "in-progress"})).unwrap();
        assert_eq!(serde_json::to_value(task.status).unwrap(), json!("in_progress"));
    }

    #[test]
    fn what_the_server_sets_cannot_be_sent() {
        for field in ["id", "user_id", "version", "created_at", "completed_at", "deleted_at", ""] {
            let wrong = json!({"title": "t", field: "x"});
            assert_eq!(faults(wrong), [(format!("#/{field}"), "unknown_field")]);
        }
    }

    #[test]
    fn names_are_those_on_the_wire() {
        for name in ["pending", "in_progress", "completed", "rejected"] {
            let status = Status::named(name).unwrap();
            assert_eq!((status.name(), json!(status)), (name, json!(name)));
        }
        for name in ["low", "normal", "high", "urgent"] {
            let priority = Priority::named(name).unwrap();
            assert_eq!((priority.name(), json!(priority)), (name, json!(name)));
        }
    }

    /// Any JSON, small.
    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::hash_map("[a-z]{1,5}", inner, 0..4)
                    .prop_map(|m| Value::Object(m.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_value_in_any_field_is_taken_or_named(
            field in prop::sample::select(vec!["title", "description", "status", "priority",
                "due_at", "labels", "assignee_id"]),
            value in any_json(),
        ) {
            let mut object = Map::new();
            object.insert("title".into(), "t".into());
            object.insert(field.into(), value);
            if let Err(Invalid(errors)) = NewTask::from_json(object) {
                prop_assert_eq!(errors.len(), 1);
                let pointer = errors[0].pointer.clone().unwrap();
                let prefix = format!("#/{field}");
                prop_assert!(pointer.starts_with(&prefix));
            }
        }
    }
}
