//! Everything that happened in a load, and whether each answer was right.
//!
//! A read is right if it shows each task in a state that was possible while the read lasted: not older
//! than what was acknowledged before it began. The exception: what a writer changed that could not
//! tell Redis may be shown as it was to those who can reach Redis, until its event was played. While
//! nobody gets an answer of Redis, there is no exception.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use serde_json::Value;

/// A version of a task that somebody made.
pub(crate) struct Version {
    pub(crate) task: Value,
    pub(crate) started: u64,
    pub(crate) ended: u64,
    /// The request that made it.
    pub(crate) request: String,
}

/// What was asked for, and by whom.
#[derive(Clone, Debug)]
pub(crate) enum Question {
    Get { by: Value, task: String },
    Owned { by: Value },
    Assigned { by: Value },
}

/// What a read showed of a task.
#[derive(Clone, Debug)]
pub(crate) enum Shown {
    /// All of it.
    Task(Value),
    /// Only which version.
    Version(i64),
}

pub(crate) struct Read {
    pub(crate) question: Question,
    pub(crate) shown: BTreeMap<String, Shown>,
    pub(crate) started: u64,
    pub(crate) ended: u64,
}

/// What the log says of how a request got on with Redis.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line {
    pub(crate) function: String,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
    pub(crate) cache: String,
    pub(crate) bypassed: bool,
}

impl Line {
    pub(crate) fn of(line: &Value) -> Self {
        let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
        Self {
            function: text("function"),
            failed: line["redis_failed"].as_u64().unwrap_or_default(),
            skipped: line["redis_skipped"].as_u64().unwrap_or_default(),
            cache: text("cache"),
            bypassed: line["limit_bypassed"] == true,
        }
    }

    const fn unheard(&self) -> u64 {
        self.failed + self.skipped
    }
}

#[derive(Default)]
pub(crate) struct History {
    now: Cell<u64>,
    pub(crate) versions: RefCell<BTreeMap<String, Vec<Version>>>,
    pub(crate) reads: RefCell<Vec<Read>>,
    /// When the events of all that was done before were played.
    pub(crate) healed: Cell<u64>,
    /// When Redis began to answer nobody, and began again to answer.
    pub(crate) silences: RefCell<Vec<(u64, u64)>>,
    pub(crate) found: RefCell<Vec<String>>,
}

impl Question {
    /// Whether a task in this state is part of the answer.
    fn is_about(&self, id: &str, task: &Value) -> bool {
        match self {
            Self::Get { by, task: one } => {
                one == id && (task["user_id"] == *by || task["assignee_id"] == *by)
            }
            Self::Owned { by } => task["user_id"] == *by,
            Self::Assigned { by } => task["assignee_id"] == *by,
        }
    }
}

impl History {
    /// A moment: what happened before it has a smaller one.
    pub(crate) fn tick(&self) -> u64 {
        self.now.replace(self.now.get() + 1)
    }

    pub(crate) fn found(&self, what: String) {
        self.found.borrow_mut().push(what);
    }

    /// Notes what a change answered.
    pub(crate) fn learn(&self, task: Value, started: u64, request: String) {
        let (id, version) = (id_of(&task), version_of(&task));
        let mut all = self.versions.borrow_mut();
        let versions = all.entry(id.clone()).or_default();
        match versions.iter().find(|known| version_of(&known.task) == version) {
            Some(known) if known.task != task => {
                self.found(format!("two forms of version {version} of {id}"));
            }
            // It may have been so already.
            Some(_) => {}
            None => {
                versions.push(Version { task, started, ended: self.tick(), request });
                versions.sort_by_key(|version| version_of(&version.task));
            }
        }
    }

    /// How many reads were looked at, and of these how many were excused. What was wrong is noted. The
    /// reads are forgotten.
    pub(crate) fn judge(&self, lines: &BTreeMap<String, Line>) -> (usize, usize) {
        let reads = self.reads.take();
        let mut excused = 0;
        for read in &reads {
            let (mut wrong, mut old) = (None, false);
            for (id, versions) in self.versions.borrow().iter() {
                if matches!(&read.question, Question::Get { task, .. } if task != id) {
                    continue;
                }
                if Self::is_possible(read, id, versions, |_| true) {
                    continue;
                }
                old = true;
                let told = |version: &Version| self.is_told(read, id, version, lines);
                if self.silent_at(read.started) || !Self::is_possible(read, id, versions, told) {
                    let shown = read.shown.get(id);
                    wrong = Some(format!("{:?} showed {id} as {shown:?}", read.question));
                }
            }
            excused += usize::from(old && wrong.is_none());
            self.found.borrow_mut().extend(wrong);
        }
        (reads.len(), excused)
    }

    fn silent_at(&self, moment: u64) -> bool {
        self.silences.borrow().iter().any(|(from, to)| (*from..*to).contains(&moment))
    }

    /// Whether Redis was told of a change before a read. Other people's lists are dropped after the
    /// change, so for these both calls must have come through; for the rest one is enough.
    fn is_told(
        &self,
        read: &Read,
        id: &str,
        version: &Version,
        lines: &BTreeMap<String, Line>,
    ) -> bool {
        let healed = self.healed.get();
        if version.ended < healed && healed < read.started {
            return true;
        }
        let unheard = lines.get(&version.request).map_or(2, Line::unheard);
        let others = match &read.question {
            Question::Get { task, .. } => task != id,
            Question::Owned { .. } => false,
            Question::Assigned { .. } => true,
        };
        if others { unheard == 0 } else { unheard < 2 }
    }

    /// Whether an answer shows a task in a state that was possible at that time, if those versions
    /// count that are `told`.
    fn is_possible(
        read: &Read,
        id: &str,
        versions: &[Version],
        told: impl Fn(&Version) -> bool,
    ) -> bool {
        let shown = read.shown.get(id);
        let known =
            versions.iter().rposition(|version| version.ended < read.started && told(version));
        let possible = versions[known.unwrap_or(0)..].iter().filter(|v| v.started < read.ended);
        let mut states = possible.map(|version| &version.task);
        let fits = |task: &Value| match shown {
            None => !read.question.is_about(id, task),
            Some(Shown::Task(shown)) => read.question.is_about(id, task) && shown == task,
            Some(Shown::Version(shown)) => {
                read.question.is_about(id, task) && *shown == version_of(task)
            }
        };
        // Before it was made, nobody could be shown it.
        (known.is_none() && shown.is_none()) || states.any(fits)
    }
}

pub(crate) fn id_of(task: &Value) -> String {
    task["id"].as_str().expect("an id").to_owned()
}

pub(crate) fn version_of(task: &Value) -> i64 {
    task["version"].as_i64().expect("a version")
}
