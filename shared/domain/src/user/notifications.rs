//! What a user wants mails about.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

/// What happens that a mail can tell of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// A task came to be.
    TaskCreated,
    /// A task got another status.
    TaskStatusChanged,
    /// A task was completed.
    TaskCompleted,
    /// A task got another assignee.
    TaskAssigned,
    /// An export is ready.
    ExportCompleted,
}

impl Occasion {
    /// Every occasion, in the order of the answer.
    pub const ALL: [Self; 5] = [
        Self::TaskCreated,
        Self::TaskStatusChanged,
        Self::TaskCompleted,
        Self::TaskAssigned,
        Self::ExportCompleted,
    ];

    /// The name, which is that of the event.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TaskCreated => "task.created",
            Self::TaskStatusChanged => "task.status_changed",
            Self::TaskCompleted => "task.completed",
            Self::TaskAssigned => "task.assigned",
            Self::ExportCompleted => "export.completed",
        }
    }

    /// The name under which a preference is stored.
    pub(super) fn stored_name(self) -> String {
        format!("events.{}", self.name())
    }
}

/// What a user wants mails about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Notifications {
    /// Whether they want mails at all.
    pub email: bool,
    /// Whether also about what they did themselves.
    pub own_actions: bool,
    /// About which occasions.
    pub events: Occasions,
}

/// A set of occasions. Written as an object of all of them, each true or false.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Occasions([bool; Occasion::ALL.len()]);

impl Occasions {
    /// Whether the set holds an occasion.
    pub const fn has(self, occasion: Occasion) -> bool {
        self.0[occasion as usize]
    }
}

impl Serialize for Occasions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(Occasion::ALL.len()))?;
        for occasion in Occasion::ALL {
            map.serialize_entry(occasion.name(), &self.has(occasion))?;
        }
        map.end()
    }
}

/// Everything.
impl Default for Notifications {
    fn default() -> Self {
        Self::from_stored(&Map::new())
    }
}

impl Notifications {
    /// The names of the preferences that are not about an occasion, as sent and as stored.
    pub(super) const GENERAL: [&'static str; 2] = ["email", "own_actions"];

    /// What a user wants, from the preferences that are stored: a flat object of those that differ
    /// from the default, or once did. A name that means nothing to this release is left alone.
    pub fn from_stored(preferences: &Map<String, Value>) -> Self {
        let wants = |name: &str| preferences.get(name).and_then(Value::as_bool).unwrap_or(true);
        let [email, own_actions] = Self::GENERAL.map(wants);
        let events = Occasions(Occasion::ALL.map(|occasion| wants(&occasion.stored_name())));
        Self { email, own_actions, events }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn everything_is_wanted_until_somebody_says_otherwise() {
        assert_eq!(
            serde_json::to_string(&Notifications::default()).unwrap(),
            concat!(
                r#"{"email":true,"own_actions":true,"events":{"task.created":true,"#,
                r#""task.status_changed":true,"task.completed":true,"task.assigned":true,"#,
                r#""export.completed":true}}"#
            )
        );
    }

    #[test]
    fn what_is_stored_lies_over_the_defaults() {
        let stored = json!({
            "own_actions": false, "events.task.assigned": false, "events.task.created": true,
            "email": "no", "events.task.flown": false, "task.completed": false,
        });
        let found = Notifications::from_stored(stored.as_object().unwrap());
        let unwanted: Vec<_> =
            Occasion::ALL.into_iter().filter(|o| !found.events.has(*o)).collect();
        assert_eq!((found.email, found.own_actions), (true, false));
        assert_eq!(unwanted, [Occasion::TaskAssigned]);
    }
}
