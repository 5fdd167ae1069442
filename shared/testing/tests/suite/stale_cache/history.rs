//! What happened: every change that was asked for, every answer that was read. Time is the order of
//! what happened here.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::Value;
use uuid::Uuid;

/// A change that somebody asked for.
pub(crate) struct Write {
    pub(crate) request: String,
    pub(crate) task: Option<Uuid>,
    pub(crate) actor: Uuid,
    pub(crate) started: u64,
    pub(crate) result: Outcome,
}

/// What they were told.
pub(crate) enum Outcome {
    /// It is done; with the version, if the answer says so.
    Done { at: u64, version: Option<i64> },
    /// It is not done.
    Refused,
    /// Nothing: it may have been done, or will be soon.
    Unknown,
}

/// What somebody asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Question {
    /// A task.
    Get { task: Uuid },
    /// A list of their own: of what they own, or of what they are assigned to.
    List { owned: bool, pending: bool, whole: bool },
}

/// A task as somebody was shown it.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) version: i64,
    /// But for an answer that only says that nothing has changed.
    pub(crate) task: Option<Value>,
}

/// A question and its answer.
pub(crate) struct Read {
    pub(crate) request: String,
    pub(crate) by: Uuid,
    pub(crate) sees_all: bool,
    pub(crate) question: Question,
    pub(crate) shown: BTreeMap<Uuid, Shown>,
    /// How many tasks the list has, if the answer says so.
    pub(crate) total: Option<i64>,
    pub(crate) started: u64,
    pub(crate) ended: u64,
    pub(crate) asked: Instant,
}

/// Something that everybody could know of the versions of a task.
pub(crate) struct Fact {
    pub(crate) at: u64,
    pub(crate) task: Uuid,
    pub(crate) version: i64,
}

/// All of it.
#[derive(Default)]
pub(crate) struct History {
    now: Cell<u64>,
    pub(crate) writes: RefCell<Vec<Write>>,
    pub(crate) reads: RefCell<Vec<Read>>,
    /// Versions that were found in the outbox.
    pub(crate) committed: RefCell<Vec<(Fact, Instant)>>,
    /// Versions whose event was carried to the cache.
    pub(crate) carried: RefCell<Vec<Fact>>,
    /// Answers that should not be.
    pub(crate) wrong: RefCell<Vec<String>>,
}

impl History {
    /// A moment after all others.
    pub(crate) fn tick(&self) -> u64 {
        self.now.set(self.now.get() + 1);
        self.now.get()
    }

    /// How many questions and changes there were.
    pub(crate) fn operations(&self) -> usize {
        self.reads.borrow().len() + self.writes.borrow().len()
    }
}
