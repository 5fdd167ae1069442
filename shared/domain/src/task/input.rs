//! What a task may be made or changed to.

use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Priority, Status};
use crate::input::{self, Fault, Fields, Invalid};
use crate::{Private, Timestamp};

/// How many labels a task has at most.
pub(crate) const MOST_LABELS: usize = 20;
/// How many characters a label has at most.
pub(crate) const LONGEST_LABEL: usize = 50;

/// The writable fields of a task that is to be created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
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
        let new = Self::take(&mut f, |f| Some(f.optional("status", status).unwrap_or_default()));
        f.finish(|| new)
    }

    /// Takes the fields; whether the status may be left out differs.
    fn take(f: &mut Fields, status: fn(&mut Fields) -> Option<Status>) -> Option<Self> {
        let title = f.required("title", title);
        let description = f.nullable("description", description);
        let status = status(f);
        let priority = f.optional("priority", priority);
        let due_at = f.nullable("due_at", input::timestamp);
        let labels = f.optional("labels", labels);
        let assignee_id = f.nullable("assignee_id", input::uuid);
        Some(Self {
            title: title?,
            description: description.flatten(),
            status: status?,
            priority: priority.unwrap_or_default(),
            due_at: due_at.flatten(),
            labels: labels.unwrap_or_default(),
            assignee_id: assignee_id.flatten(),
        })
    }
}

/// A change of some fields of a task. It is written as it was sent: a field that was left out is
/// left out, and null is null.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TaskPatch {
    /// 1 to 255 characters, without white space around it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<Private<String>>,
    /// Up to 10,000 characters; null for none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<Option<Private<String>>>,
    /// Where the work stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// How much it matters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
    /// With time and offset; null for never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Option<Timestamp>>,
    /// All of them: they replace those that the task has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<Vec<Private<String>>>,
    /// A known, active user; null for nobody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assignee_id: Option<Option<Uuid>>,
    /// The owner to be. Who may change it is decided where the task is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<Uuid>,
}

impl TaskPatch {
    /// Reads the body of an update: a JSON merge patch of at least one field.
    pub fn from_json(object: Map<String, Value>) -> Result<Self, Invalid> {
        let mut f = Fields::of_change(object);
        let patch = Self {
            title: f.optional("title", title),
            description: f.nullable("description", description),
            status: f.optional("status", status),
            priority: f.optional("priority", priority),
            due_at: f.nullable("due_at", input::timestamp),
            labels: f.optional("labels", labels),
            assignee_id: f.nullable("assignee_id", input::uuid),
            user_id: f.optional("user_id", input::uuid),
        };
        f.finish(|| Some(patch))
    }
}

/// The writable fields of a task that is to be replaced. What is left out goes back to its default,
/// but for the owner, who stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TaskReplacement {
    /// Everything but the owner.
    #[serde(flatten)]
    pub task: NewTask,
    /// The owner to be. Who may change it is decided where the task is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<Uuid>,
}

impl TaskReplacement {
    /// Reads the body of a replace, which says at least the title and the status.
    pub fn from_json(object: Map<String, Value>) -> Result<Self, Invalid> {
        let mut f = Fields::of(object);
        let task = NewTask::take(&mut f, |f| f.required("status", status));
        let user_id = f.optional("user_id", input::uuid);
        f.finish(|| Some(Self { task: task?, user_id }))
    }
}

fn title(value: Value) -> Result<Private<String>, Fault> {
    input::trimmed_up_to(value, 255).map(Private::new)
}

fn description(value: Value) -> Result<Private<String>, Fault> {
    input::text_up_to(value, 10_000).map(Private::new)
}

fn status(value: Value) -> Result<Status, Fault> {
    input::word(value, Status::named, Status::NAMES)
}

fn priority(value: Value) -> Result<Priority, Fault> {
    input::word(value, Priority::named, Priority::NAMES)
}

fn labels(value: Value) -> Result<Vec<Private<String>>, Fault> {
    let Value::Array(values) = value else {
        return Err(Fault::new("wrong_type", "must be a list of strings"));
    };
    let mut labels = Vec::new();
    for (index, value) in values.into_iter().enumerate() {
        let label = input::trimmed_up_to(value, LONGEST_LABEL).map_err(|f| f.at(index))?;
        let label = Private::new(label);
        if !labels.contains(&label) {
            if labels.len() == MOST_LABELS {
                let detail = format!("must be at most {MOST_LABELS} labels");
                return Err(Fault::new("too_many", detail));
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

    type Read<T> = fn(Map<String, Value>) -> Result<T, Invalid>;

    fn read<T>(from_json: Read<T>, value: Value) -> Result<T, Invalid> {
        match value {
            Value::Object(object) => from_json(object),
            other => panic!("{other}"),
        }
    }

    fn new(value: Value) -> Result<NewTask, Invalid> {
        read(NewTask::from_json, value)
    }

    fn patch(value: Value) -> Result<TaskPatch, Invalid> {
        read(TaskPatch::from_json, value)
    }

    fn replacement(value: Value) -> Result<TaskReplacement, Invalid> {
        read(TaskReplacement::from_json, value)
    }

    fn faults<T: std::fmt::Debug>(read: Result<T, Invalid>) -> Vec<(String, &'static str)> {
        let Invalid(errors) = read.unwrap_err();
        errors.into_iter().map(|e| (e.pointer.unwrap_or_default(), e.code)).collect()
    }

    const SOMEBODY: &str = "0197a1b2-0000-7000-8000-000000000001";

    #[test]
    fn a_title_is_enough_and_the_database_gets_every_field() {
        let task = new(json!({"title": "  water the plants \n"})).unwrap();
        assert_eq!(
            json!(task),
            json!({
                "title": "water the plants", "description": null, "status": "pending",
                "priority": "normal", "due_at": null, "labels": [], "assignee_id": null,
            })
        );
    }

    #[test]
    fn limits_count_characters_and_not_bytes() {
        assert!(new(json!({"title": "ä".repeat(255)})).is_ok());
        let long = new(json!({"title": "ä".repeat(256)}));
        assert_eq!(faults(long), [("#/title".into(), "too_long")]);
        assert!(new(json!({"title": "t", "description": "é".repeat(10_000)})).is_ok());
    }

    #[test]
    fn labels_are_trimmed_and_counted_once() {
        let task = new(json!({"title": "t", "labels": ["b", " a ", "b", "a"]})).unwrap();
        let labels: Vec<_> = task.labels.iter().map(Private::expose).collect();
        assert_eq!(labels, ["b", "a"]);
        let many: Vec<_> = (0..21).map(|i| format!("l{i}")).collect();
        let many = new(json!({"title": "t", "labels": many}));
        assert_eq!(faults(many), [("#/labels".into(), "too_many")]);
        let wrong = new(json!({"title": "t", "labels": ["a", " "]}));
        assert_eq!(faults(wrong), [("#/labels/1".into(), "too_short")]);
    }

    #[test]
    fn the_hyphen_of_in_progress_is_forgiven() {
        let task = new(json!({"title": "t", "status": "in-progress"})).unwrap();
        assert_eq!(json!(task)["status"], "in_progress");
    }

    #[test]
    fn what_the_server_sets_cannot_be_sent() {
        for field in ["id", "version", "created_at", "completed_at", "deleted_at", ""] {
            let expected = [(format!("#/{field}"), "unknown_field")];
            assert_eq!(faults(new(json!({"title": "t", field: "x"}))), expected);
            assert_eq!(faults(patch(json!({"title": "t", field: "x"}))), expected);
            let put = json!({"title": "t", "status": "pending", field: "x"});
            assert_eq!(faults(replacement(put)), expected);
        }
        let owned = new(json!({"title": "t", "user_id": SOMEBODY}));
        assert_eq!(faults(owned), [("#/user_id".into(), "unknown_field")]);
    }

    #[test]
    fn a_patch_is_written_as_it_was_sent() {
        for sent in [
            json!({"title": "t"}),
            json!({"description": null, "due_at": null, "assignee_id": null}),
            json!({"labels": [], "status": "rejected"}),
            json!({
                "title": "t", "description": "", "status": "completed", "priority": "low",
                "due_at": "2026-01-31T09:30:00.000Z", "labels": ["a"], "assignee_id": SOMEBODY,
                "user_id": SOMEBODY,
            }),
        ] {
            assert_eq!(json!(patch(sent.clone()).unwrap()), sent);
        }
    }

    #[test]
    fn a_patch_sets_something() {
        assert_eq!(faults(patch(json!({}))), [("#".into(), "empty")]);
    }

    #[test]
    fn null_clears_only_what_can_be_empty() {
        for field in ["title", "status", "priority", "labels", "user_id"] {
            let expected = [(format!("#/{field}"), "wrong_type")];
            assert_eq!(faults(patch(json!({field: null}))), expected);
            let mut put = json!({"title": "t", "status": "pending"});
            put[field] = Value::Null;
            assert_eq!(faults(replacement(put)), expected);
        }
    }

    #[test]
    fn a_replacement_says_title_and_status_and_resets_the_rest() {
        let required = [("#/title".into(), "required"), ("#/status".into(), "required")];
        assert_eq!(faults(replacement(json!({}))), required);
        let put = json!({"title": "t", "status": "completed"});
        let expected = json!(new(put.clone()).unwrap());
        assert_eq!(json!(replacement(put.clone()).unwrap()), expected);
        let mut with_owner = put;
        with_owner["user_id"] = json!(SOMEBODY);
        assert_eq!(json!(replacement(with_owner).unwrap())["user_id"], SOMEBODY);
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

    fn named_alone<T>(field: &str, read: Result<T, Invalid>) -> Result<(), TestCaseError> {
        if let Err(Invalid(errors)) = read {
            prop_assert_eq!(errors.len(), 1);
            let pointer = errors[0].pointer.clone().unwrap();
            let prefix = format!("#/{field}");
            prop_assert!(pointer.starts_with(&prefix));
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn any_value_in_any_field_is_taken_or_named(
            field in prop::sample::select(vec!["title", "description", "status", "priority",
                "due_at", "labels", "assignee_id"]),
            value in any_json(),
        ) {
            let mut whole = json!({"title": "t", "status": "pending"});
            whole[field] = value.clone();
            named_alone(field, new(whole.clone()))?;
            named_alone(field, replacement(whole))?;
            named_alone(field, patch(json!({field: value})))?;
        }
    }
}
