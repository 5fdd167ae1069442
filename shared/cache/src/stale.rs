//! What an event makes out of date: for whoever carries events. The writer has dropped the same before
//! it answered, unless it died or could not reach Redis.

use domain::event::{Envelope, Kind, SubjectKind};
use uuid::Uuid;

/// What an event has made out of date.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stale {
    /// A task, and its version now.
    pub task: Option<(Uuid, i64)>,
    /// Those whose lists have changed.
    pub lists: Vec<Uuid>,
    /// Those who do not stand as before.
    pub standings: Vec<Uuid>,
}

/// The fields of a task that say in whose lists it is.
const IN_LISTS_OF: [&str; 2] = ["user_id", "assignee_id"];

impl Stale {
    /// What this event has made out of date.
    pub fn of(event: &Envelope) -> Self {
        match event.event {
            Kind::TaskCreated
            | Kind::TaskUpdated
            | Kind::TaskStatusChanged
            | Kind::TaskCompleted
            | Kind::TaskAssigned
            | Kind::TaskDeleted
            | Kind::TaskRestored => Self {
                task: event.task_id.map(|id| (id, event.version)),
                lists: lists_of(event),
                standings: Vec::new(),
            },
            // It was in no cache since it was put into the trash.
            Kind::TaskPurged
            | Kind::ExportRequested
            | Kind::ExportCompleted
            | Kind::ExportFailed => Self::default(),
            Kind::UserDeactivated | Kind::UserReactivated | Kind::SessionRevoked => {
                let subject = event.subject.filter(|subject| subject.kind == SubjectKind::User);
                Self {
                    // Only a session was named: whose it is, nobody knows.
                    standings: subject.map(|subject| subject.id).into_iter().collect(),
                    ..Self::default()
                }
            }
        }
    }

    /// Whether there is nothing to drop.
    pub fn is_empty(&self) -> bool {
        self.task.is_none() && self.lists.is_empty() && self.standings.is_empty()
    }
}

/// Everybody who had the task in their lists, or has it now. The actor, too, although they may have
/// nothing to do with it: their own counter has moved.
fn lists_of(event: &Envelope) -> Vec<Uuid> {
    let now = [event.user_id, event.owner_id, event.assignee_id];
    let before = IN_LISTS_OF.map(|field| {
        let from = event.changes.get(field)?.from.expose();
        from.as_str()?.parse().ok()
    });
    let mut users: Vec<Uuid> = now.into_iter().chain(before).flatten().collect();
    users.sort_unstable();
    users.dedup();
    users
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn id(last: u8) -> Uuid {
        Uuid::from_u128(last.into())
    }

    /// An event as the database writes it: of a task (1) that user 2 changed, which is user 3's.
    fn event(kind: &str, more: &Value) -> Envelope {
        let mut event = json!({
            "event": kind, "taskId": id(1), "userId": id(2), "at": "2026-01-31T09:30:00.000Z",
            "id": id(9), "schema": 1, "version": 7, "ownerId": id(3), "assigneeId": null,
            "changed": [], "changes": {}, "task": null, "requestId": "r", "traceparent": null,
        });
        for (name, value) in more.as_object().unwrap() {
            event[name] = value.clone();
        }
        serde_json::from_value(event).unwrap()
    }

    fn lists(more: &Value) -> Vec<Uuid> {
        Stale::of(&event("task.updated", more)).lists
    }

    #[test]
    fn a_change_of_a_task_is_in_the_lists_of_its_actor_owner_and_assignee() {
        let stale = Stale::of(&event("task.updated", &json!({"assigneeId": id(4)})));
        assert_eq!(stale.task, Some((id(1), 7)));
        assert_eq!(stale.lists, [id(2), id(3), id(4)]);
        assert!(stale.standings.is_empty());
        assert_eq!(lists(&json!({"userId": id(3), "assigneeId": id(3)})), [id(3)]);
        assert_eq!(lists(&json!({"userId": null})), [id(3)]);
    }

    #[test]
    fn it_is_also_in_the_lists_of_those_who_were_owner_or_assignee_before() {
        let from =
            |field: &str, from: Value| json!({"changes": {field: {"from": from, "to": id(8)}}});
        assert_eq!(lists(&from("user_id", json!(id(5)))), [id(2), id(3), id(5)]);
        assert_eq!(lists(&from("assignee_id", json!(id(6)))), [id(2), id(3), id(6)]);
        assert_eq!(lists(&from("assignee_id", Value::Null)), [id(2), id(3)]);
        assert_eq!(lists(&from("title", json!(id(6)))), [id(2), id(3)]);
    }

    #[test]
    fn what_an_event_makes_stale_follows_from_what_it_is_about() {
        let about_a_user = json!({
            "taskId": null, "ownerId": null, "subject": {"type": "user", "id": id(5)},
        });
        for kind in Kind::ALL {
            let about_a_task = kind.name().starts_with("task.");
            let about_nothing_cached =
                kind == Kind::TaskPurged || kind.name().starts_with("export.");
            let more = if about_a_task { json!({}) } else { about_a_user.clone() };
            let stale = Stale::of(&event(kind.name(), &more));
            assert_eq!(stale.is_empty(), about_nothing_cached, "{}", kind.name());
            if !about_nothing_cached {
                assert_eq!(stale.task.is_some(), about_a_task);
                assert_eq!(stale.lists.is_empty(), !about_a_task);
                let judged: &[Uuid] = if about_a_task { &[] } else { &[id(5)] };
                assert_eq!(stale.standings, judged, "{}", kind.name());
            }
        }
    }

    #[test]
    fn a_session_of_nobody_known_makes_nothing_stale() {
        let more = json!({"taskId": null, "ownerId": null, "userId": null, "subject": null});
        assert!(Stale::of(&event("session.revoked", &more)).is_empty());
    }
}
