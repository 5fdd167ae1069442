//! Users: who one is, what others see of them, and what can be set.

mod account;
mod me;
mod notifications;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

pub use account::AccountState;
pub use me::{Me, MePatch};
pub use notifications::{Notifications, Occasion, Occasions};

use crate::input::{self, Fields, Invalid};
use crate::listing::Position;
use crate::{Private, Timestamp};

/// A user as those who manage users see them. The order of the fields is the order in the answer.
///
/// Stored with idempotency keys like a task: a new field needs `#[serde(default)]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The `sub` of their tokens.
    pub id: Uuid,
    /// The name to sign in with.
    pub username: Private<String>,
    /// The name to be called by.
    pub name: Option<Private<String>>,
    /// The address to write to.
    pub email: Option<Private<String>>,
    /// Those of our roles that their last token carried.
    pub roles: Vec<String>,
    /// Whether they may use the API.
    pub active: bool,
    /// When they last used it, roughly.
    pub last_seen_at: Timestamp,
}

impl User {
    /// The place in a list of users, which is in the order of their names.
    pub fn position(&self) -> Position<Private<String>> {
        Position { key: self.username.clone(), id: self.id }
    }

    /// Reads the key of such a place.
    pub fn read_key(value: &Value) -> Option<Private<String>> {
        let name = value.as_str().filter(|name| !name.contains('\0'))?;
        Some(Private::new(name.to_owned()))
    }
}

/// A user as everybody sees them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The `sub` of their tokens.
    pub id: Uuid,
    /// The name to sign in with.
    pub username: Private<String>,
    /// The name to be called by.
    pub name: Option<Private<String>>,
}

impl From<User> for Person {
    fn from(user: User) -> Self {
        Self { id: user.id, username: user.username, name: user.name }
    }
}

/// What a manager may change of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct UserPatch {
    /// Whether they may use the API.
    pub active: bool,
}

impl UserPatch {
    /// Reads the body of an update.
    pub fn from_json(object: Map<String, Value>) -> Result<Self, Invalid> {
        let mut f = Fields::of(object);
        let active = f.required("active", |value| input::flag(&value));
        f.finish(|| Some(Self { active: active? }))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_person_shows_neither_address_nor_roles() {
        let json = json!({
            "id": "0197a1b2-0000-7000-8000-000000000001", "username": "u", "name": "N",
            "email": "e@example.com", "roles": ["user"], "active": true,
            "last_seen_at": "2026-01-31T09:30:00.000Z",
        });
        let user: User = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(serde_json::to_value(&user).unwrap(), json);
        assert_eq!(User::read_key(&json!(user.position().key)), Some(user.username.clone()));
        let person = serde_json::to_string(&Person::from(user)).unwrap();
        let expected = r#"{"id":"0197a1b2-0000-7000-8000-000000000001","username":"u","name":"N"}"#;
        assert_eq!(person, expected);
    }

    #[test]
    fn a_name_that_nobody_can_have_is_no_key() {
        for value in [json!("a\u{0}b"), json!(1), Value::Null] {
            assert_eq!(User::read_key(&value), None);
        }
    }

    #[test]
    fn a_user_is_active_or_not() {
        let read = |value: Value| UserPatch::from_json(value.as_object().unwrap().clone());
        assert_eq!(read(json!({"active": false})), Ok(UserPatch { active: false }));
        for (wrong, pointer, code) in [
            (json!({}), "#/active", "required"),
            (json!({"active": null}), "#/active", "wrong_type"),
            (json!({"active": true, "roles": []}), "#/roles", "unknown_field"),
        ] {
            let Invalid(errors) = read(wrong).unwrap_err();
            assert_eq!((errors[0].pointer.as_deref(), errors[0].code), (Some(pointer), code));
        }
    }
}
