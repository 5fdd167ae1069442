//! What is cached, and when it may be used: fences and epochs.
//!
//! A shelf holds what belongs together: a task, or all lists of one user. Beside its values it has
//!
//! - an **epoch**, a name that is new whenever what the values are made of may have changed;
//! - a **fence** for each writer that is at work;
//! - a **floor**: how far the database had come at the last change that we know of (for a task its
//!   version, for lists the user's `write_seq`). An answer of a reader that is less far is too old.
//!
//! ```text
//!           look ──► value ──► answered
//!             │
//!             ├────► nothing, epoch e ──► the database is asked ──► fill: only if the epoch is still e
//!             │                           (a reader, from the floor on)   and there is no fence
//!             └────► fenced ────────────► the writer is asked, nothing is filled
//!
//!   fence up ──────► the change is committed ──► lift: floor up, fence down
//!   (new epoch, values gone)                     (the new value stays, if nobody else was at work)
//! ```
//!
//! Why nobody is told anything older than what was acknowledged before they asked: a value is filled
//! only if no writer put up a fence, and none took one down, between the look and the fill; and a writer
//! puts up its fence before it commits. So what was read before a commit is not filled after it. A
//! writer that dies leaves its fence: until it falls, everybody asks the database. An epoch that was
//! lost is replaced by a new one, so that a loss cannot bring back an old value.
//!
//! Who else is touched by a change (another owner, an assignee) is known only after it. Their shelves are
//! dropped together with the lifting, before the change is acknowledged: a new epoch, no values.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use config::defaults;
use redis::Value;
use uuid::Uuid;

use crate::fence::Fence;
use crate::greeting::Epoch;
use crate::jitter::give_or_take;
use crate::scripts::{Script, Scripts, Step};
use crate::value::{self, Cached};

/// How many bytes of a digest tell questions apart.
const DIGEST_BYTES: usize = 16;

/// What a request reads or changes of what is cached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Touch {
    /// Nothing.
    #[default]
    Nothing,
    /// It reads this.
    Read(Entry),
    /// It changes tasks of the caller: this one, if it is there already.
    Change(Option<Uuid>),
}

/// One value that can be cached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub(crate) shelf: Shelf,
    /// Which of the shelf's values; empty if it is not one to keep.
    pub(crate) field: String,
}

impl Entry {
    /// A task.
    pub fn task(id: Uuid) -> Self {
        Self { shelf: Shelf::Task(id), field: "task".to_owned() }
    }

    /// A part of a list of what is this user's own, that is not kept: it is only asked how far a reader
    /// must have come.
    pub const fn uncached_list(user: Uuid) -> Self {
        Self { shelf: Shelf::Lists(user), field: String::new() }
    }

    /// Whether it is kept.
    pub const fn is_kept(&self) -> bool {
        !self.field.is_empty()
    }

    /// A part of a list of what is this user's own. `question` is everything that it depends on, in a
    /// form that is the same for equal questions.
    pub fn list(user: Uuid, question: &str) -> Self {
        // Questions hold private texts, and keys are seen by whoever looks at Redis.
        let digest = digest(&SHA256, question.as_bytes());
        let field = URL_SAFE_NO_PAD.encode(&digest.as_ref()[..DIGEST_BYTES]);
        Self { shelf: Shelf::Lists(user), field }
    }

    /// The name of the value, which is kept with it: a value that lies elsewhere is not believed.
    pub(crate) fn name(&self) -> String {
        format!("{}/{}", self.shelf.tag(), self.field)
    }
}

/// A place for values that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shelf {
    /// A task.
    Task(Uuid),
    /// The lists of a user.
    Lists(Uuid),
}

impl Shelf {
    fn tag(self) -> String {
        match self {
            Self::Task(id) => format!("{{t:{id}}}"),
            Self::Lists(user) => format!("{{u:{user}}}"),
        }
    }

    /// Its keys: epoch, fence, values, floor. The part in braces is the same, so they lie in one slot
    /// of a cluster.
    fn keys(self) -> [String; 4] {
        let tag = self.tag();
        match self {
            Self::Task(_) => ["e", "f", "v", "s"].map(|part| format!("{part}:{tag}")),
            Self::Lists(_) => ["le", "lf", "l", "ls"].map(|part| format!("{part}:{tag}")),
        }
    }

    /// A run of a script with this shelf's keys.
    pub(crate) fn step(self, script: &Arc<Script>) -> Step {
        let keys = self.keys();
        script.step(&keys.each_ref().map(String::as_str))
    }
}

/// What was found at the beginning of a request.
#[derive(Clone, Debug)]
pub enum Found {
    /// It touches nothing that is cached.
    Nothing,
    /// Redis does not say: everything is asked of the writer.
    Unknown,
    /// Somebody is changing it: the writer is to be asked.
    Fenced,
    /// There is a value, not looked at yet.
    Value {
        /// The value.
        text: String,
        /// For filling it anew.
        room: Room,
    },
    /// There is none.
    Room(Room),
    /// A fence is up.
    Fence(Fence),
}

/// A place that can be filled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    pub(crate) epoch: Epoch,
    /// How far a reader must have come; none if nobody knows.
    pub floor: Option<i64>,
}

/// What goes into a place.
#[derive(Clone, Debug)]
pub struct Filling {
    pub(crate) entry: Entry,
    pub(crate) room: Room,
    /// The value; empty if it is not one to keep.
    pub(crate) text: String,
    /// How far the database was.
    pub(crate) floor: Option<i64>,
}

impl Filling {
    /// A value that was read from the database, when that was so far.
    pub fn new<T: Cached>(
        entry: &Entry,
        room: Room,
        value: Option<&T>,
        floor: Option<i64>,
    ) -> Self {
        let value = value.filter(|_| entry.is_kept());
        let text = value.and_then(|value| value::encode(entry, value)).unwrap_or_default();
        Self { entry: entry.clone(), room, text, floor }
    }

    /// No value, but how far the database was.
    pub fn floor(entry: &Entry, room: Room, floor: i64) -> Self {
        Self { entry: entry.clone(), room, text: String::new(), floor: Some(floor) }
    }

    pub(crate) fn step(&self, scripts: &Scripts, lives: &Lives) -> Step {
        let place = self.entry.shelf;
        let life = lives.of(place);
        place
            .step(&scripts.fill)
            .arg(&self.room.epoch.0)
            .arg(&self.entry.field)
            .arg(if life.is_zero() { "" } else { &self.text })
            .arg(millis(give_or_take(life, 10)))
            .arg(maybe(self.floor))
            .arg(millis(defaults::FLOOR_LIFE))
    }
}

/// How long values are kept; those that live for no time are not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lives {
    pub(crate) task: Duration,
    pub(crate) list: Duration,
}

impl Lives {
    pub(crate) const fn of(&self, place: Shelf) -> Duration {
        match place {
            Shelf::Task(_) => self.task,
            Shelf::Lists(_) => self.list,
        }
    }
}

/// Reads what look.lua says.
pub(crate) fn found(answer: Value) -> Option<Found> {
    let parts: Vec<Option<Vec<u8>>> = redis::from_redis_value(answer).ok()?;
    // What is no text becomes one that is not believed, so that it is replaced.
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let mut parts: Vec<_> = parts.into_iter().map(|part| part.map(text)).collect();
    if parts.len() == 1 {
        return (parts[0].as_deref() == Some("fenced")).then_some(Found::Fenced);
    }
    let floor = parts.pop()?.and_then(|floor| floor.parse().ok());
    let (value, epoch) = (parts.pop()?, parts.pop()??);
    let room = Room { epoch: Epoch(epoch), floor };
    Some(match value {
        Some(text) => Found::Value { text, room },
        None => Found::Room(room),
    })
}

/// A number, or nothing, as scripts take it.
pub(crate) fn maybe(number: Option<i64>) -> String {
    number.map(|number| number.to_string()).unwrap_or_default()
}

/// A time as scripts take it.
pub(crate) fn millis(time: Duration) -> u128 {
    time.as_millis()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> Uuid {
        "0197a1b2-0000-7000-8000-000000000001".parse().unwrap()
    }

    #[test]
    fn the_keys_of_a_shelf_lie_in_one_slot() {
        for shelf in [Shelf::Task(id()), Shelf::Lists(id())] {
            let keys = shelf.keys();
            let tag = |key: &str| key[key.find('{').unwrap()..].to_owned();
            assert!(keys.iter().all(|key| tag(key) == tag(&keys[0])), "{keys:?}");
            assert!(tag(&keys[0]).ends_with('}'));
        }
        assert_ne!(Shelf::Task(id()).keys(), Shelf::Lists(id()).keys());
    }

    #[test]
    fn a_question_is_not_to_be_read_in_its_key() {
        let entry = Entry::list(id(), "label=secret");
        assert!(!entry.name().contains("secret"));
        assert_ne!(entry.name(), Entry::list(id(), "label=other").name());
        assert_eq!(entry.name(), Entry::list(id(), "label=secret").name());
    }
}
