//! Exports: what one is, and what can be asked for.

mod conditions;
mod input;
mod words;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

pub use conditions::Conditions;
pub use input::NewExport;
pub use words::{Format, Kind, Status};

use crate::listing::{Position, Scope};
use crate::{Private, Timestamp};

/// An export as the API shows it. The order of the fields is the order in the answer.
///
/// Stored with idempotency keys like a task: a new field needs `#[serde(default)]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Export {
    /// UUIDv7.
    pub id: Uuid,
    /// What of the tasks.
    pub kind: Kind,
    /// What the file is written in.
    pub format: Format,
    /// Whose tasks.
    pub scope: Scope,
    /// Which of them, as it was asked for.
    pub filter: Private<Value>,
    /// How far it is.
    pub status: Status,
    /// How many rows the file has, but for a heading.
    pub rows: Option<i64>,
    /// How long the file is.
    pub bytes: Option<i64>,
    /// Where the file is, for some minutes; only in the answer to who asks for this one export.
    #[serde(default)]
    pub download_url: Option<Private<String>>,
    /// Why it failed.
    pub error: Option<String>,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// When it ended, well or badly.
    pub finished_at: Option<Timestamp>,
    /// Until when the file is kept.
    pub expires_at: Option<Timestamp>,
}

impl Export {
    /// Whether there is still something to wait for.
    pub const fn is_unfinished(&self) -> bool {
        matches!(self.status, Status::Requested | Status::Running)
    }

    /// The place in a list of exports, of which the newest comes first.
    pub const fn position(&self) -> Position<Timestamp> {
        Position { key: self.requested_at, id: self.id }
    }

    /// Reads the key of such a place.
    pub fn read_key(value: &Value) -> Option<Timestamp> {
        Timestamp::parse(value.as_str()?)
    }

    /// Where the file of an export lies: the same place however often it is made.
    pub fn key(owner: Uuid, id: Uuid, format: Format) -> String {
        format!("exports/{owner}/{id}.{}", format.name())
    }

    /// The name under which the file is saved.
    pub fn file_name(&self) -> String {
        let day = self.requested_at.to_offset_date_time().date();
        format!("{}-{day}.{}", self.kind.name(), self.format.name())
    }
}
