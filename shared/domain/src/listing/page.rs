//! A part of a list.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Scope;
use crate::Task;

/// A part of a list of tasks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskPage {
    /// The tasks.
    pub tasks: Vec<Task>,
    /// Whether there are more after them.
    pub more: bool,
    /// How many there are in the whole list, if that was asked; more than are counted only as that.
    pub total: Option<i64>,
}

impl TaskPage {
    /// Whether it is of somebody's own list.
    pub fn is_of(&self, scope: Scope, user: Uuid) -> bool {
        self.tasks.iter().all(|task| match scope {
            Scope::Owned => task.user_id == user,
            Scope::Assigned => task.assignee_id == Some(user),
            Scope::All => true,
        })
    }
}
