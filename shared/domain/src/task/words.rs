//! The words for how a task stands and how much it matters.

use serde::{Deserialize, Serialize};

/// Where the work on a task stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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
    /// Every status.
    pub const ALL: [Self; 4] = [Self::Pending, Self::InProgress, Self::Completed, Self::Rejected];

    /// The names, for people.
    pub(crate) const NAMES: &'static str = "pending, in_progress, completed, rejected";

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

/// How much a task matters, least first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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
    /// Every priority.
    pub const ALL: [Self; 4] = [Self::Low, Self::Normal, Self::High, Self::Urgent];

    /// The names, for people.
    pub(crate) const NAMES: &'static str = "low, normal, high, urgent";

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

    /// The place among the priorities, from 1 for the lowest: what the database sorts by.
    pub const fn rank(self) -> i32 {
        self as i32 + 1
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_those_on_the_wire() {
        for status in Status::ALL {
            assert_eq!(json!(status), json!(status.name()));
            assert_eq!(Status::named(status.name()), Some(status));
        }
        for priority in Priority::ALL {
            assert_eq!(json!(priority), json!(priority.name()));
            assert_eq!(Priority::named(priority.name()), Some(priority));
        }
    }

    #[test]
    fn what_people_are_told_is_every_name() {
        assert_eq!(Status::ALL.map(Status::name).join(", "), Status::NAMES);
        assert_eq!(Priority::ALL.map(Priority::name).join(", "), Priority::NAMES);
    }

    #[test]
    fn ranks_count_from_the_lowest() {
        assert_eq!(Priority::ALL.map(Priority::rank), [1, 2, 3, 4]);
    }
}
