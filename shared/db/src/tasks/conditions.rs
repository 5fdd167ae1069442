//! Which tasks a question is about: the same conditions for a page of a list and for an export.

use domain::Timestamp;
use domain::listing::{Assignee, Filter, Scope};
use time::OffsetDateTime;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::pattern;

/// Where to look: conditions on `t` that an index answers, so that nothing else need be looked at.
macro_rules! looked_at {
    () => {
        "($4::uuid IS NULL OR t.user_id = $4 /* owned by the caller */)
            AND ($5::uuid IS NULL OR t.assignee_id = $5 /* assigned to the caller */)
            AND ($6::uuid IS NULL OR t.user_id = $6 /* owner */)
            AND ($7::uuid IS NULL OR t.assignee_id = $7 /* assignee */)
            AND CASE WHEN $9 /* trash */ THEN t.deleted_at IS NOT NULL ELSE t.deleted_at IS NULL END
            AND ($14::timestamptz IS NULL OR t.created_at > $14 /* created after */)
            AND ($15::timestamptz IS NULL OR t.created_at < $15 /* created before */)
            AND (
                $4 IS NOT NULL OR $5 IS NOT NULL OR $6 IS NOT NULL OR $7 IS NOT NULL
                OR t.version > 0 /* everybody's, which have indexes of their own */
            )"
    };
}

/// What is wanted of it: conditions on `t`.
macro_rules! wanted {
    () => {
        "(NOT $8 OR t.assignee_id IS NULL /* nobody assigned */)
            AND ($10::text[] IS NULL OR t.status = ANY ($10) /* statuses */)
            AND ($11::text[] IS NULL OR t.priority = ANY ($11) /* priorities */)
            AND ($12::text[] IS NULL OR t.labels @> $12 /* labels */)
            AND ($13::text IS NULL OR t.title ILIKE $13 OR t.description ILIKE $13 /* q */)
            AND ($16::timestamptz IS NULL OR t.updated_at > $16 /* updated after */)
            AND ($17::timestamptz IS NULL OR t.due_at > $17 /* due after */)
            AND ($18::timestamptz IS NULL OR t.due_at < $18 /* due before */)
            AND (
                $19::boolean IS NULL /* overdue */
                OR $19 = ((t.due_at < now() AND t.status IN ('pending', 'in_progress')) IS TRUE)
            )"
    };
}

/// Both.
macro_rules! filtered {
    () => {
        concat!(
            $crate::tasks::conditions::looked_at!(),
            "
            AND ",
            $crate::tasks::conditions::wanted!()
        )
    };
}

pub(crate) use {filtered, looked_at, wanted};

/// The values of the conditions, `$3` to `$19`, in their order.
pub(crate) struct Conditions<'a> {
    caller: Uuid,
    owned_by_caller: Option<Uuid>,
    assigned_to_caller: Option<Uuid>,
    owner: Option<Uuid>,
    assignee: Option<Uuid>,
    nobody_assigned: bool,
    deleted: bool,
    statuses: Option<Vec<&'static str>>,
    priorities: Option<Vec<&'static str>>,
    labels: Option<Vec<&'a str>>,
    pattern: Option<String>,
    created_after: Option<OffsetDateTime>,
    created_before: Option<OffsetDateTime>,
    updated_after: Option<OffsetDateTime>,
    due_after: Option<OffsetDateTime>,
    due_before: Option<OffsetDateTime>,
    overdue: Option<bool>,
}

impl<'a> Conditions<'a> {
    /// Those of a question that `me` asks.
    pub(crate) fn of(me: Uuid, scope: Scope, filter: &'a Filter) -> Self {
        let labels: Vec<&str> = filter.labels.iter().map(|label| label.expose().as_str()).collect();
        Self {
            caller: me,
            owned_by_caller: (scope == Scope::Owned).then_some(me),
            assigned_to_caller: (scope == Scope::Assigned).then_some(me),
            owner: filter.owner,
            assignee: match filter.assignee {
                Some(Assignee::Me) => Some(me),
                Some(Assignee::Is(user)) => Some(user),
                Some(Assignee::Nobody) | None => None,
            },
            nobody_assigned: filter.assignee == Some(Assignee::Nobody),
            deleted: filter.deleted,
            statuses: filter.statuses.as_ref().map(|all| all.iter().map(|s| s.name()).collect()),
            priorities: filter
                .priorities
                .as_ref()
                .map(|all| all.iter().map(|p| p.name()).collect()),
            labels: (!labels.is_empty()).then_some(labels),
            pattern: filter.text.as_ref().map(|text| pattern::containing(text.expose())),
            created_after: instant(filter.created_after),
            created_before: instant(filter.created_before),
            updated_after: instant(filter.updated_after),
            due_after: instant(filter.due_after),
            due_before: instant(filter.due_before),
            overdue: filter.overdue,
        }
    }

    /// The values, as parameters.
    pub(crate) fn parameters(&self) -> [&(dyn ToSql + Sync); 17] {
        [
            &self.caller,
            &self.owned_by_caller,
            &self.assigned_to_caller,
            &self.owner,
            &self.assignee,
            &self.nobody_assigned,
            &self.deleted,
            &self.statuses,
            &self.priorities,
            &self.labels,
            &self.pattern,
            &self.created_after,
            &self.created_before,
            &self.updated_after,
            &self.due_after,
            &self.due_before,
            &self.overdue,
        ]
    }
}

fn instant(time: Option<Timestamp>) -> Option<OffsetDateTime> {
    time.map(Timestamp::to_offset_date_time)
}
