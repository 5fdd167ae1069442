//! Whose tasks.

use serde::{Deserialize, Serialize, Serializer};
use uuid::Uuid;

use super::Filter;
use crate::input::{Fault, parameter, parse_uuid};
use crate::{Permission, Permissions};

/// Whose tasks a list holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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

    /// Whose tasks, also if nobody says: who writes is shown their own, who only reads, whatever they may
    /// read. A question for the tasks of one owner is a question among all.
    pub fn or_usual(asked: Option<Self>, filter: &Filter, permissions: Permissions) -> Self {
        if let Some(scope) = asked {
            scope
        } else if permissions.has(Permission::TasksWrite) && filter.owner.is_none() {
            Self::Owned
        } else if permissions.has(Permission::TasksReadAll) || filter.owner.is_some() {
            Self::All
        } else {
            Self::Assigned
        }
    }

    /// The permission that a question takes and is not there, if there is one.
    pub fn missing_permission(
        self,
        filter: &Filter,
        permissions: Permissions,
    ) -> Option<Permission> {
        let all = self == Self::All || filter.owner.is_some();
        if all && !permissions.has(Permission::TasksReadAll) {
            return Some(Permission::TasksReadAll);
        }
        (filter.deleted && !permissions.has(Permission::TasksAdmin))
            .then_some(Permission::TasksAdmin)
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
    fn without_a_word_it_depends_on_who_asks_for_what() {
        use Permission::{TasksRead, TasksReadAll, TasksWrite};
        let of = |permissions: &[Permission], owner: Option<Uuid>| {
            let filter = Filter { owner, ..Filter::default() };
            Scope::or_usual(None, &filter, Permissions::of(permissions.iter().copied()))
        };
        assert_eq!(of(&[TasksRead, TasksWrite], None), Scope::Owned);
        assert_eq!(of(&[TasksRead, TasksReadAll, TasksWrite], None), Scope::Owned);
        assert_eq!(of(&[TasksRead, TasksReadAll], None), Scope::All);
        assert_eq!(of(&[TasksRead], None), Scope::Assigned);
        assert_eq!(of(&[TasksRead, TasksWrite], Some(Uuid::nil())), Scope::All);
        let asked = Scope::or_usual(Some(Scope::All), &Filter::default(), Permissions::NONE);
        assert_eq!(asked, Scope::All);
    }

    #[test]
    fn what_is_not_ones_own_takes_a_permission() {
        use Permission::{TasksAdmin, TasksReadAll};
        let own = Filter::default();
        let of_one = Filter { owner: Some(Uuid::nil()), ..Filter::default() };
        let trash = Filter { deleted: true, ..Filter::default() };
        let none = Permissions::NONE;
        assert_eq!(Scope::Owned.missing_permission(&own, none), None);
        assert_eq!(Scope::Assigned.missing_permission(&own, none), None);
        assert_eq!(Scope::All.missing_permission(&own, none), Some(TasksReadAll));
        assert_eq!(Scope::Owned.missing_permission(&of_one, none), Some(TasksReadAll));
        assert_eq!(Scope::Owned.missing_permission(&trash, none), Some(TasksAdmin));
        let all = Permissions::of([TasksReadAll, TasksAdmin]);
        let trash_of_one = Filter { deleted: true, ..of_one };
        assert_eq!(Scope::All.missing_permission(&trash_of_one, all), None);
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
