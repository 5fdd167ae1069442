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
    /// A task changed in no way that has a kind of its own.
    #[serde(rename = "task.updated")]
    TaskUpdated,
    /// A task got another status, but for completed.
    #[serde(rename = "task.status_changed")]
    TaskStatusChanged,
    /// A task was completed.
    #[serde(rename = "task.completed")]
    TaskCompleted,
    /// A task got another assignee, or none.
    #[serde(rename = "task.assigned")]
    TaskAssigned,
    /// A task was put into the trash.
    #[serde(rename = "task.deleted")]
    TaskDeleted,
    /// A task was taken out of the trash.
    #[serde(rename = "task.restored")]
    TaskRestored,
    /// A task was removed for good, some time after it was put into the trash.
    #[serde(rename = "task.purged")]
    TaskPurged,
    /// Somebody asked for an export.
    #[serde(rename = "export.requested")]
    ExportRequested,
    /// An export is ready.
    #[serde(rename = "export.completed")]
    ExportCompleted,
    /// An export will not come.
    #[serde(rename = "export.failed")]
    ExportFailed,
    /// A user was shut out.
    #[serde(rename = "user.deactivated")]
    UserDeactivated,
    /// A user was let in again.
    #[serde(rename = "user.reactivated")]
    UserReactivated,
    /// Tokens of a user, or of a session, count no more.
    #[serde(rename = "session.revoked")]
    SessionRevoked,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 14] = [
        Self::TaskCreated,
        Self::TaskUpdated,
        Self::TaskStatusChanged,
        Self::TaskCompleted,
        Self::TaskAssigned,
        Self::TaskDeleted,
        Self::TaskRestored,
        Self::TaskPurged,
        Self::ExportRequested,
        Self::ExportCompleted,
        Self::ExportFailed,
        Self::UserDeactivated,
        Self::UserReactivated,
        Self::SessionRevoked,
    ];

    /// The name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TaskCreated => "task.created",
            Self::TaskUpdated => "task.updated",
            Self::TaskStatusChanged => "task.status_changed",
            Self::TaskCompleted => "task.completed",
            Self::TaskAssigned => "task.assigned",
            Self::TaskDeleted => "task.deleted",
            Self::TaskRestored => "task.restored",
            Self::TaskPurged => "task.purged",
            Self::ExportRequested => "export.requested",
            Self::ExportCompleted => "export.completed",
            Self::ExportFailed => "export.failed",
            Self::UserDeactivated => "user.deactivated",
            Self::UserReactivated => "user.reactivated",
            Self::SessionRevoked => "session.revoked",
        }
    }

    /// The kind of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The routing table: the queues that an event of this kind goes to.
    pub const fn queues(self) -> &'static [Queue] {
        use Queue::{Analytics, Audit, Exports, Notifications};
        match self {
            Self::TaskCreated | Self::TaskStatusChanged | Self::TaskCompleted => {
                &[Notifications, Analytics, Audit]
            }
            Self::TaskAssigned | Self::ExportCompleted | Self::ExportFailed => {
                &[Notifications, Audit]
            }
            Self::TaskDeleted | Self::TaskRestored => &[Analytics, Audit],
            Self::ExportRequested => &[Exports, Audit],
            Self::TaskUpdated
            | Self::TaskPurged
            | Self::UserDeactivated
            | Self::UserReactivated
            | Self::SessionRevoked => &[Audit],
        }
    }
}

/// The queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Queue {
    /// What somebody may want a mail about.
    Notifications,
    /// What is counted.
    Analytics,
    /// Everything, for the history.
    Audit,
    /// Exports to be made.
    Exports,
    /// Wakes the relay. No event goes there.
    Outbox,
}

impl Queue {
    /// Every queue.
    pub const ALL: [Self; 5] =
        [Self::Notifications, Self::Analytics, Self::Audit, Self::Exports, Self::Outbox];

    /// The name. That of its dead letters has `-dlq` after it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Notifications => "task-notifications",
            Self::Analytics => "task-analytics",
            Self::Audit => "task-audit",
            Self::Exports => "task-exports",
            Self::Outbox => "task-outbox",
        }
    }

    /// The queue of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|queue| queue.name() == name)
    }
}

/// The format of [`Envelope`].
pub const SCHEMA: u32 = 1;

/// An event as it lies in the outbox and travels through the queues.
///
/// The database writes it, in the same commit as the change it tells of; this type is what
/// consumers read it with, and what a test holds the database to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Envelope {
    /// What happened.
    pub event: Kind,
    /// To which task; none if it is not about a task.
    pub task_id: Option<Uuid>,
    /// Who did it; none if the system did.
    pub user_id: Option<Uuid>,
    /// When.
    pub at: Timestamp,
    /// The event's own id, UUIDv7: consumers tell repetitions by it.
    pub id: Uuid,
    /// The version of this format.
    pub schema: u32,
    /// The version that the change made of the thing it is about.
    pub version: i64,
    /// Who owns the task after the change; none if it is not about a task.
    pub owner_id: Option<Uuid>,
    /// Who is assigned after the change.
    pub assignee_id: Option<Uuid>,
    /// The fields that changed.
    pub changed: Vec<String>,
    /// From what to what; long texts by their length.
    pub changes: BTreeMap<String, Change>,
    /// What a mail needs to say of the task; none if it is not about a task.
    pub task: Option<Summary>,
    /// What it is about, if not a task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Subject>,
    /// The request that did it.
    pub request_id: String,
    /// W3C trace context, to go on with.
    pub traceparent: Option<String>,
}

/// What an event is about that is not about a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// What kind of thing.
    #[serde(rename = "type")]
    pub kind: SubjectKind,
    /// Which.
    pub id: Uuid,
}

/// The kinds of thing besides tasks that events are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubjectKind {
    /// A user.
    User,
    /// An export.
    Export,
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_those_on_the_wire() {
        for kind in Kind::ALL {
            assert_eq!(json!(kind), json!(kind.name()));
            assert_eq!(Kind::named(kind.name()), Some(kind));
        }
        assert_eq!(Kind::named("task.flown"), None);
    }

    #[test]
    fn every_event_is_kept_in_the_history_and_none_wakes_the_relay() {
        for kind in Kind::ALL {
            assert!(kind.queues().contains(&Queue::Audit), "{}", kind.name());
            assert!(!kind.queues().contains(&Queue::Outbox), "{}", kind.name());
        }
        for queue in Queue::ALL {
            assert_eq!(Queue::named(queue.name()), Some(queue));
        }
    }

    #[test]
    fn an_event_that_is_not_about_a_task_names_its_subject() {
        let id = "0197a1b2-0000-7000-8000-000000000001";
        let json = json!({
            "event": "user.deactivated", "taskId": null, "userId": id,
            "at": "2026-01-31T09:30:00.000Z", "id": id, "schema": 1, "version": 2,
            "ownerId": null, "assigneeId": null, "changed": ["active"],
            "changes": {"active": {"from": true, "to": false}}, "task": null,
            "subject": {"type": "user", "id": id}, "requestId": "r", "traceparent": null,
        });
        let event: Envelope = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(event.subject.map(|subject| subject.kind), Some(SubjectKind::User));
        assert_eq!(json!(event), json);
        let event = Envelope { subject: None, ..event };
        assert_eq!(json!(event).get("subject"), None);
    }
}
