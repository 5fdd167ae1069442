//! Events: what the outbox holds and consumers read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::{Priority, Private, Status, Timestamp};

/// The kinds of event. One mutation writes exactly one, of the most specific kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// A task came to be.
    #[serde(rename = "task.created")]
    TaskCreated,
}

/// An event as it lies in the outbox and travels through the queues.
///
/// The database writes it, in the same commit as the change it tells of; this type is what
/// consumers read it with, and what a test holds the database to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Envelope {
    /// What happened.
    pub event: Kind,
    /// To which task.
    pub task_id: Option<Uuid>,
    /// Who did it; none if the system did.
    pub user_id: Option<Uuid>,
    /// When.
    pub at: Timestamp,
    /// The event's own id, UUIDv7: consumers tell repetitions by it.
    pub id: Uuid,
    /// The version of this format.
    pub schema: u32,
    /// The version of the task that the change made.
    pub version: i64,
    /// Who owns the task after the change.
    pub owner_id: Uuid,
    /// Who is assigned after the change.
    pub assignee_id: Option<Uuid>,
    /// The fields that changed.
    pub changed: Vec<String>,
    /// From what to what; long texts by their length.
    pub changes: BTreeMap<String, Change>,
    /// What a mail needs to say.
    pub task: Summary,
    /// The request that did it.
    pub request_id: String,
    /// W3C trace context, to go on with.
    pub traceparent: Option<String>,
}

/// One field's change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// The value before.
    pub from: Private<Value>,
    /// The value after.
    pub to: Private<Value>,
}

/// A task in an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// The title.
    pub title: Private<String>,
    /// The status after the change.
    pub status: Status,
    /// The priority after the change.
    pub priority: Priority,
    /// When it is due.
    pub due_at: Option<Timestamp>,
}
