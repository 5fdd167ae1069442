//! Tasks: what one is, who may see it, and what one may be made or changed to.

mod input;
mod words;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Permission, Permissions, Private, Timestamp};

pub(crate) use input::{LONGEST_LABEL, MOST_LABELS};
pub use input::{NewTask, TaskPatch, TaskReplacement};
pub use words::{Priority, Status};

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
