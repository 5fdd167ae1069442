//! Mails: which there are, and what the database says of one when it is to be sent.

use serde::{Deserialize, Serialize};

use crate::Private;
use crate::user::Occasion;

/// The mails that are sent. Each has texts of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Template {
    /// To those who have a new task.
    TaskCreated,
    /// To those whose task got another status.
    TaskStatusChanged,
    /// To those whose task is completed.
    TaskCompleted,
    /// To whoever was given a task.
    TaskAssigned,
    /// To whoever has a task no longer.
    TaskUnassigned,
    /// To whoever waits for an export.
    ExportReady,
    /// To whoever waits for an export in vain.
    ExportFailed,
}

impl Template {
    /// Every mail.
    pub const ALL: [Self; 7] = [
        Self::TaskCreated,
        Self::TaskStatusChanged,
        Self::TaskCompleted,
        Self::TaskAssigned,
        Self::TaskUnassigned,
        Self::ExportReady,
        Self::ExportFailed,
    ];

    /// The name, which is that of its files and its name in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TaskCreated => "task_created",
            Self::TaskStatusChanged => "task_status_changed",
            Self::TaskCompleted => "task_completed",
            Self::TaskAssigned => "task_assigned",
            Self::TaskUnassigned => "task_unassigned",
            Self::ExportReady => "export_ready",
            Self::ExportFailed => "export_failed",
        }
    }

    /// The preference that silences it.
    pub const fn occasion(self) -> Occasion {
        match self {
            Self::TaskCreated => Occasion::TaskCreated,
            Self::TaskStatusChanged => Occasion::TaskStatusChanged,
            Self::TaskCompleted => Occasion::TaskCompleted,
            Self::TaskAssigned | Self::TaskUnassigned => Occasion::TaskAssigned,
            Self::ExportReady | Self::ExportFailed => Occasion::ExportCompleted,
        }
    }
}

/// What the database says of a mail, at the moment when it is to be sent: to whom, and what is different
/// for each reader. Times are written in the reader's time zone.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Letter {
    /// Which mail.
    pub template: Template,
    /// The address.
    pub address: Private<String>,
    /// What the reader is called.
    pub name: Private<String>,
    /// Who did it; none if the system did.
    pub actor: Option<Private<String>>,
    /// Whether the reader did it.
    pub own: bool,
    /// When it happened.
    pub at: String,
    /// When the task is due.
    pub due_at: Option<String>,
    /// Until when the export can be had.
    pub expires_at: Option<String>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_those_of_the_database() {
        for template in Template::ALL {
            assert_eq!(json!(template), json!(template.name()));
        }
    }
}
