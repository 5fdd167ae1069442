//! The words for what an export is of, what it is written in and how far it is.

use serde::{Deserialize, Serialize};

/// What of the tasks is exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The tasks themselves, one a row.
    Tasks,
    /// How many there are: by status, by priority, overdue, by day.
    Report,
}

impl Kind {
    /// The names, for people.
    pub(super) const NAMES: &'static str = "tasks, report";

    /// The name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tasks => "tasks",
            Self::Report => "report",
        }
    }

    /// The kind of that name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Tasks, Self::Report].into_iter().find(|kind| kind.name() == name)
    }
}

/// What the file is written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// A table for people and their spreadsheets (RFC 4180), with a heading.
    #[default]
    Csv,
    /// A JSON object a line, for programs.
    Jsonl,
}

impl Format {
    /// The names, for people.
    pub(super) const NAMES: &'static str = "csv, jsonl";

    /// The name, which is also how the file's name ends.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
        }
    }

    /// The format of that name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Csv, Self::Jsonl].into_iter().find(|format| format.name() == name)
    }

    /// The media type of the file.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Jsonl => "application/jsonl",
        }
    }
}

/// How far an export is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nobody has begun.
    Requested,
    /// Somebody is at work on it.
    Running,
    /// There is a file.
    Completed,
    /// There is none, and there will be none.
    Failed,
    /// There was a file.
    Expired,
}
