//! Which tasks, in the words of a JSON body: those of the parameters of `GET /v1/tasks`.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::input::{self, Fault, Fields, Invalid};
use crate::listing::{self, Assignee, Filter};
use crate::{Priority, Private, Status, Timestamp};

/// A filter as JSON: written as it can be read, without what nobody asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions(pub Filter);

impl Conditions {
    /// Reads what [`Self`] has written.
    pub fn from_json(object: Map<String, Value>) -> Result<Self, Invalid> {
        let mut fields = Fields::of(object);
        let conditions = Self::take(&mut fields);
        fields.finish(|| Some(conditions))
    }

    /// Takes the conditions out of an object.
    pub(super) fn take(f: &mut Fields) -> Self {
        Self(Filter {
            statuses: f.optional("status", |v| words(v, listing::statuses)),
            priorities: f.optional("priority", |v| words(v, listing::priorities)),
            labels: f.optional("label", labels).unwrap_or_default(),
            assignee: f.optional("assignee_id", |v| Assignee::parse(&input::text(v)?)),
            owner: f.optional("user_id", input::uuid),
            text: f.optional("q", |v| listing::search(&input::text(v)?)),
            created_after: f.optional("created_after", input::timestamp),
            created_before: f.optional("created_before", input::timestamp),
            updated_after: f.optional("updated_after", input::timestamp),
            due_after: f.optional("due_after", input::timestamp),
            due_before: f.optional("due_before", input::timestamp),
            overdue: f.optional("overdue", |v| input::flag(&v)),
            deleted: f.optional("deleted", |v| input::flag(&v)).unwrap_or_default(),
        })
    }
}

/// A list of words, or one text with commas between them, as a query has it.
fn words<T>(value: Value, read: fn(&str) -> Result<Vec<T>, Fault>) -> Result<Vec<T>, Fault> {
    let Value::Array(values) = value else { return read(&input::text(value)?) };
    let mut all = Vec::new();
    for (index, value) in values.into_iter().enumerate() {
        let word = input::text(value).map_err(|fault| fault.at(index))?;
        if word.contains(',') {
            let why = "must be one word; a list has one in each place";
            return Err(Fault::new("invalid_value", why).at(index));
        }
        read(&word).map_err(|fault| fault.at(index))?;
        all.push(word);
    }
    if all.is_empty() {
        return Err(Fault::new("too_short", "must name at least one"));
    }
    // Once more together: each once, in the usual order.
    read(&all.join(","))
}

/// A list of labels, or one.
fn labels(value: Value) -> Result<Vec<Private<String>>, Fault> {
    let values = match value {
        Value::Array(values) => values,
        one => return Ok(vec![listing::label(&input::text(one)?)?]),
    };
    let label = |(index, value)| {
        input::text(value).and_then(|text| listing::label(&text)).map_err(|fault| fault.at(index))
    };
    listing::labels(values.into_iter().enumerate().map(label).collect::<Result<_, _>>()?)
}

#[derive(Serialize)]
struct Wire<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'a [Status]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<&'a [Priority]>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    label: &'a [Private<String>],
    #[serde(skip_serializing_if = "Option::is_none")]
    assignee_id: Option<Assignee>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    q: Option<&'a Private<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_after: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_before: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_after: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    due_after: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    due_before: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    overdue: Option<bool>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    deleted: bool,
}

impl Serialize for Conditions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(filter) = self;
        let wire = Wire {
            status: filter.statuses.as_deref(),
            priority: filter.priorities.as_deref(),
            label: &filter.labels,
            assignee_id: filter.assignee,
            user_id: filter.owner,
            q: filter.text.as_ref(),
            created_after: filter.created_after,
            created_before: filter.created_before,
            updated_after: filter.updated_after,
            due_after: filter.due_after,
            due_before: filter.due_before,
            overdue: filter.overdue,
            deleted: filter.deleted,
        };
        wire.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: Value) -> Result<Conditions, Vec<(String, &'static str)>> {
        let Value::Object(object) = value else { panic!("{value}") };
        Conditions::from_json(object).map_err(|Invalid(errors)| {
            errors.into_iter().map(|e| (e.pointer.unwrap_or_default(), e.code)).collect()
        })
    }

    #[test]
    fn what_is_written_is_read_back() {
        let id = "0197a1b2-0000-7000-8000-000000000001";
        let time = "2026-01-31T09:30:00.000Z";
        for (given, written) in [
            (json!({}), json!({})),
            (json!({"deleted": false, "label": []}), json!({})),
            (
                json!({"status": "in-progress,pending", "priority": ["urgent", "low", "low"]}),
                json!({"status": ["pending", "in_progress"], "priority": ["low", "urgent"]}),
            ),
            (json!({"label": " b "}), json!({"label": ["b"]})),
            (json!({"label": ["b", "a", "b"]}), json!({"label": ["a", "b"]})),
            (
                json!({
                    "assignee_id": "me", "user_id": id, "q": "x", "created_after": time,
                    "created_before": time, "updated_after": time, "due_after": time,
                    "due_before": time, "overdue": false, "deleted": true,
                }),
                json!({
                    "assignee_id": "me", "user_id": id, "q": "x", "created_after": time,
                    "created_before": time, "updated_after": time, "due_after": time,
                    "due_before": time, "overdue": false, "deleted": true,
                }),
            ),
            (json!({"assignee_id": id}), json!({"assignee_id": id})),
            (json!({"assignee_id": "none"}), json!({"assignee_id": "none"})),
        ] {
            let conditions = read(given.clone()).unwrap();
            assert_eq!(json!(conditions), written, "{given}");
            assert_eq!(read(written).unwrap(), conditions, "{given}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_by_its_place() {
        for (given, pointer, code) in [
            (json!({"status": ["pending", "done"]}), "#/status/1", "invalid_value"),
            (json!({"status": ["pending,completed"]}), "#/status/0", "invalid_value"),
            (json!({"status": []}), "#/status", "too_short"),
            (json!({"status": null}), "#/status", "wrong_type"),
            (json!({"priority": 1}), "#/priority", "wrong_type"),
            (json!({"label": ["a", " "]}), "#/label/1", "too_short"),
            (json!({"assignee_id": "you"}), "#/assignee_id", "invalid_value"),
            (json!({"q": "  "}), "#/q", "too_short"),
            (json!({"due_after": "soon"}), "#/due_after", "invalid_timestamp"),
            (json!({"overdue": "true"}), "#/overdue", "wrong_type"),
            (json!({"sort": "due_at"}), "#/sort", "unknown_field"),
            (json!({"scope": "all"}), "#/scope", "unknown_field"),
        ] {
            assert_eq!(read(given.clone()).unwrap_err(), [(pointer.to_owned(), code)], "{given}");
        }
    }
}
