//! Who is signed in. Small on purpose: ending a session hands it back, so that the client can be told.

use std::collections::HashMap;

use uuid::Uuid;

/// One login of one person at one client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) sub: Uuid,
    pub(crate) client: String,
    /// After this second it is over, however busy it was.
    pub(crate) ends: i64,
    /// After this second it is over, if nobody refreshes before.
    pub(crate) idle: i64,
}

#[derive(Debug, Default)]
pub(crate) struct Sessions(HashMap<Uuid, Session>);

impl Sessions {
    pub(crate) fn begin(&mut self, sid: Uuid, session: Session, now: i64) {
        // Nobody signs out of most test sessions: drop the dead ones on the way.
        self.0.retain(|_, session| session.is_active(now));
        self.0.insert(sid, session);
    }

    /// Finds an active session and counts the visit.
    pub(crate) fn visit(&mut self, sid: Uuid, now: i64, idle: i64) -> Option<Session> {
        let session = self.0.get_mut(&sid).filter(|session| session.is_active(now))?;
        session.idle = idle.min(session.ends);
        Some(session.clone())
    }

    /// Ends a session; `None` if it had ended before, by a logout or by itself.
    pub(crate) fn end(&mut self, sid: Uuid, now: i64) -> Option<Session> {
        self.0.remove(&sid).filter(|session| session.is_active(now))
    }
}

impl Session {
    fn is_active(&self, now: i64) -> bool {
        now < self.idle && now < self.ends
    }
}

#[cfg(test)]
mod tests {
    use super::{Session, Sessions};
    use uuid::Uuid;

    fn session() -> Session {
        Session { sub: Uuid::nil(), client: "task-web".to_owned(), ends: 100, idle: 30 }
    }

    #[test]
    fn a_session_lives_while_it_is_used_and_no_longer_than_it_may() {
        let (mut sessions, sid) = (Sessions::default(), Uuid::max());
        sessions.begin(sid, session(), 0);
        assert_eq!(sessions.visit(sid, 29, 59).unwrap().idle, 59);
        assert_eq!(sessions.visit(sid, 58, 120).unwrap().idle, 100, "the end does not move");
        assert_eq!(sessions.visit(sid, 100, 130), None);
        sessions.begin(sid, session(), 0);
        assert_eq!(sessions.visit(sid, 30, 60), None, "idle for too long");
    }

    #[test]
    fn an_ended_session_says_who_it_was_and_is_gone() {
        let (mut sessions, sid) = (Sessions::default(), Uuid::max());
        sessions.begin(sid, session(), 0);
        assert_eq!(sessions.end(sid, 1), Some(session()));
        assert_eq!(sessions.end(sid, 1), None);
        assert_eq!(sessions.visit(sid, 1, 31), None);
        sessions.begin(sid, session(), 0);
        assert_eq!(sessions.end(sid, 30), None, "it was over by itself");
    }

    #[test]
    fn dead_sessions_make_room() {
        let mut sessions = Sessions::default();
        sessions.begin(Uuid::nil(), session(), 0);
        sessions.begin(Uuid::max(), session(), 30);
        assert_eq!(sessions.0.len(), 1);
    }
}
