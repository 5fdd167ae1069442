//! Whose tasks.

use serde::{Serialize, Serializer};
use uuid::Uuid;

use crate::input::{Fault, parameter, parse_uuid};

/// Whose tasks a list holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The caller's own.
    Owned,
    /// Those assigned to the caller.
    Assigned,
    /// Everybody's.
    All,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 3] = [Self::Owned, Self::Assigned, Self::All];

    /// The name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Owned => "owned",
            Self::Assigned => "assigned",
            Self::All => "all",
        }
    }

    /// The scope of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
    }

    /// Reads the parameter.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        parameter::word(text, Self::named, "owned, assigned, all")
    }
}

/// To whom the tasks of a list are assigned. Written as it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assignee {
    /// To the caller.
    Me,
    /// To nobody.
    Nobody,
    /// To this user.
    Is(Uuid),
}

impl Assignee {
    /// Reads the parameter.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        match text {
            "me" => Ok(Self::Me),
            "none" => Ok(Self::Nobody),
            id => parse_uuid(id)
                .map(Self::Is)
                .ok_or_else(|| Fault::new("invalid_value", "must be me, none or a UUID")),
        }
    }
}

impl Serialize for Assignee {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Me => serializer.serialize_str("me"),
            Self::Nobody => serializer.serialize_str("none"),
            Self::Is(id) => serializer.collect_str(id),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_scope_is_one_of_three_words() {
        assert!(Scope::ALL.into_iter().all(|scope| Scope::parse(scope.name()) == Ok(scope)));
        for text in ["", "Owned", "mine", "owned,all"] {
            let error = Scope::parse(text).unwrap_err().of_parameter("scope");
            assert_eq!(error.detail, "must be one of owned, assigned, all");
        }
    }

    #[test]
    fn an_assignee_is_written_as_it_was_read() {
        for text in ["me", "none", "0197a1b2-0000-7000-8000-000000000001"] {
            assert_eq!(json!(Assignee::parse(text).unwrap()), text);
        }
        for text in ["", "Me", "nobody", "0197a1b2000070008000000000000001"] {
            assert!(Assignee::parse(text).is_err(), "{text}");
        }
    }
}
