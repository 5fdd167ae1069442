//! The register checker: what each read had to show at least, and whether it did.
//!
//! What is known of a task before a read begins, it must show: the version then, or a later one that
//! somebody had asked for before it ended. Of a list that holds for whoever has it in their lists.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;
use uuid::Uuid;

use super::history::{History, Outcome, Question, Read, Shown};
use super::truth::{Truth, Version};

/// How a request was done, by its log.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    /// Redis was told everything before the answer.
    All,
    /// The fences stand, and those whom the change touches besides were perhaps not told.
    Fences,
    /// Redis was perhaps told nothing.
    Nothing,
}

/// What may be expected of reads.
#[derive(Clone, Copy)]
pub(crate) struct Rules {
    /// Whether fences stand, also of those who were killed: no call of Redis is lost on its way.
    pub(crate) fences_stand: bool,
}

/// From `at` on a version is known to the readers of a task, if they are `of_task`, and to those of
/// these lists.
struct Known {
    at: u64,
    version: i64,
    of_task: bool,
    lists: BTreeSet<Uuid>,
}

/// What was found.
#[derive(Default)]
pub(crate) struct Findings {
    pub(crate) wrong: Vec<String>,
    /// How long after a commit was known of other people's lists still did not show it, where that is
    /// allowed.
    pub(crate) lag: Vec<Duration>,
}

/// Judges all that happened.
pub(crate) struct Checker<'h> {
    history: &'h History,
    truth: Truth,
    log: BTreeMap<String, Value>,
    tasks: BTreeMap<Uuid, BTreeSet<Uuid>>,
    known: BTreeMap<Uuid, Vec<Known>>,
    /// When each request began.
    began: BTreeMap<String, u64>,
    rules: Rules,
    found: Findings,
}

impl<'h> Checker<'h> {
    pub(crate) fn new(
        history: &'h History,
        truth: Truth,
        log: BTreeMap<String, Value>,
        rules: Rules,
    ) -> Self {
        let writes = history.writes.borrow();
        let began = writes.iter().map(|write| (write.request.clone(), write.started)).collect();
        drop(writes);
        let (tasks, known, found) = (truth.tasks_of_all(), BTreeMap::new(), Findings::default());
        Self { history, truth, log, tasks, known, began, rules, found }
    }

    /// Everything that is wrong.
    pub(crate) fn judge(mut self) -> Findings {
        self.found.wrong.extend(self.history.wrong.borrow().iter().cloned());
        self.learn_of_writes();
        self.learn_of_events();
        self.learn_of_reads();
        for known in self.known.values_mut() {
            known.sort_by_key(|known| known.at);
        }
        for read in self.history.reads.borrow().iter() {
            self.judge_read(read);
        }
        self.found
    }

    fn told(&self, request: &str) -> Told {
        let Some(line) = self.log.get(request) else { return Told::Nothing };
        let number = |name: &str| line[name].as_u64().unwrap_or_default();
        let lost = number("redis_failed") + number("redis_skipped");
        // Nobody counted: the call that puts up the fences was lost.
        let unfenced = line["limit_bypassed"].as_bool().unwrap_or_default();
        match (lost, unfenced) {
            (0, _) | (1, true) => Told::All,
            (_, false) => Told::Fences,
            (_, true) => Told::Nothing,
        }
    }

    fn learn(&mut self, task: Uuid, known: Known) {
        self.known.entry(task).or_default().push(known);
    }

    /// What was acknowledged.
    fn learn_of_writes(&mut self) {
        let mut made: BTreeMap<&str, Vec<(Uuid, i64)>> = BTreeMap::new();
        for (task, versions) in &self.truth.0 {
            for (version, number) in versions.iter().zip(1..) {
                made.entry(&version.request).or_default().push((*task, number));
            }
        }
        let mut news = Vec::new();
        let mut wrong = Vec::new();
        for write in self.history.writes.borrow().iter() {
            let Outcome::Done { at, version } = write.result else { continue };
            let made = made.get(write.request.as_str()).map(Vec::as_slice).unwrap_or_default();
            let told = self.told(&write.request);
            if let (Some(task), Some(version)) = (write.task, version) {
                if made.is_empty() || made.iter().all(|(_, number)| *number != version) {
                    // It was so already: the answer tells of a version that somebody else made.
                    let lists = BTreeSet::from([write.actor]);
                    let known = Known { at, version, of_task: true, lists };
                    if self.truth.version(task, version).is_none() {
                        wrong
                            .push(format!("{} was told of {version}, which is not", write.request));
                    } else if told != Told::Nothing {
                        news.push((task, known));
                    }
                }
            } else if made.is_empty() {
                wrong.push(format!("{} was told that it is done, and it is not", write.request));
            }
            for (task, version) in made {
                let lists = match told {
                    Told::All => self.truth.touched(*task, *version),
                    Told::Fences => BTreeSet::from([write.actor]),
                    Told::Nothing => continue,
                };
                news.push((*task, Known { at, version: *version, of_task: true, lists }));
            }
        }
        self.found.wrong.extend(wrong);
        for (task, known) in news {
            self.learn(task, known);
        }
    }

    /// What was carried to the cache, and what was seen in the outbox: for a fence stands around that.
    fn learn_of_events(&mut self) {
        for fact in self.history.carried.borrow().iter() {
            let lists = self.truth.touched(fact.task, fact.version);
            let known = Known { at: fact.at, version: fact.version, of_task: true, lists };
            self.learn(fact.task, known);
        }
        if !self.rules.fences_stand {
            return;
        }
        for (fact, _) in self.history.committed.borrow().iter() {
            let actor = self.truth.version(fact.task, fact.version).and_then(|v| v.actor);
            let lists = actor.into_iter().collect();
            let known = Known { at: fact.at, version: fact.version, of_task: true, lists };
            self.learn(fact.task, known);
        }
    }

    /// What somebody was shown of a task, nobody is shown an older version of it after that.
    fn learn_of_reads(&mut self) {
        for read in self.history.reads.borrow().iter() {
            let Question::Get { task } = read.question else { continue };
            let Some(shown) = read.shown.get(&task) else { continue };
            let Some(version) = self.truth.version(task, shown.version) else { continue };
            if self.rules.fences_stand || self.told(&version.request) != Told::Nothing {
                let lists = BTreeSet::new();
                let known = Known { at: read.ended, version: shown.version, of_task: true, lists };
                self.learn(task, known);
            }
        }
    }

    fn judge_read(&mut self, read: &Read) {
        let (mut least, mut most) = (0, 0);
        let tasks = match read.question {
            Question::Get { task } => BTreeSet::from([task]),
            Question::List { .. } => self.tasks.get(&read.by).cloned().unwrap_or_default(),
        };
        if read.shown.keys().any(|shown| !tasks.contains(shown)) {
            let what = format!("{:?} ({}): what was never theirs", read.question, read.request);
            self.found.wrong.push(what);
        }
        for task in &tasks {
            let floor = self.floor(read, *task);
            let shown = read.shown.get(task);
            if let Err(why) = self.is_possible(read, *task, floor, shown) {
                let line = self.log.get(&read.request);
                let cache = line.and_then(|line| line["cache"].as_str()).unwrap_or("?");
                let what =
                    format!("{:?} ({}, {cache}): {task}: {why}", read.question, read.request);
                self.found.wrong.push(what);
            } else if let Question::List { whole: true, .. } = read.question {
                self.measure(read, *task, shown);
            }
            let possible = self.possible(read, *task, floor);
            least += i64::from(possible.iter().all(|listed| *listed) && !possible.is_empty());
            most += i64::from(possible.iter().any(|listed| *listed));
        }
        if read.total.is_some_and(|total| !(least..=most).contains(&total)) {
            let said = format!("{:?} ({}): {:?}", read.question, read.request, read.total);
            self.found.wrong.push(format!("{said} tasks, where {least} to {most} are possible"));
        }
    }

    /// What a read must show of a task at least.
    fn floor(&self, read: &Read, task: Uuid) -> i64 {
        let all = self.known.get(&task).map(Vec::as_slice).unwrap_or_default();
        let known = all.iter().take_while(|known| known.at < read.started);
        let known = known.filter(|known| match read.question {
            Question::Get { .. } => known.of_task,
            Question::List { .. } => known.lists.contains(&read.by),
        });
        known.map(|known| known.version).max().unwrap_or_default()
    }

    /// Whether somebody had asked for a version before a read ended.
    fn was_begun(&self, read: &Read, version: &Version) -> bool {
        self.began.get(&version.request).is_some_and(|began| *began < read.ended)
    }

    /// For each version that could be shown, whether the task is part of the answer.
    fn possible(&self, read: &Read, task: Uuid, floor: i64) -> Vec<bool> {
        let versions = self.truth.0.get(&task).map(Vec::as_slice).unwrap_or_default();
        let floor = usize::try_from(floor).unwrap_or_default();
        let from = versions.iter().skip(floor.saturating_sub(1));
        let begun = from.take_while(|version| self.was_begun(read, version));
        let listed = begun.map(|version| is_part(read, version));
        // Before it was made it was in no answer.
        (floor == 0).then_some(false).into_iter().chain(listed).collect()
    }

    fn is_possible(
        &self,
        read: &Read,
        task: Uuid,
        floor: i64,
        shown: Option<&Shown>,
    ) -> Result<(), String> {
        let whole = !matches!(read.question, Question::List { whole: false, .. });
        let Some(shown) = shown else {
            // What is not on one page may be on another.
            let may_miss = !whole || self.possible(read, task, floor).iter().any(|listed| !listed);
            return may_miss.then_some(()).ok_or(format!("is missing, at {floor} or later"));
        };
        let number = shown.version;
        if number < floor {
            return Err(format!("shown as of {number}, when {floor} was known"));
        }
        let version = self.truth.version(task, number);
        let version = version.filter(|version| self.was_begun(read, version));
        let version = version.ok_or_else(|| format!("{number} did not exist"))?;
        if !is_part(read, version) {
            return Err(format!("{number} is not for them"));
        }
        let same = shown.task.as_ref().is_none_or(|task| is_version(task, version));
        same.then_some(()).ok_or_else(|| format!("shown otherwise than {number} is"))
    }

    /// How late a list is, that may be.
    fn measure(&mut self, read: &Read, task: Uuid, shown: Option<&Shown>) {
        let committed = self.history.committed.borrow();
        let missed = committed.iter().filter(|(fact, _)| {
            fact.task == task
                && fact.at < read.started
                && self.truth.touched(task, fact.version).contains(&read.by)
                && match shown {
                    Some(shown) => shown.version < fact.version,
                    None => !self.possible(read, task, fact.version).contains(&false),
                }
        });
        let late = missed.map(|(_, since)| read.asked.duration_since(*since)).max();
        self.found.lag.extend(late);
    }
}

/// Whether a task is part of an answer.
fn is_part(read: &Read, version: &Version) -> bool {
    let (owned, assigned) = (version.owner == Some(read.by), version.assignee == Some(read.by));
    !version.deleted
        && match read.question {
            Question::Get { .. } => read.sees_all || owned || assigned,
            Question::List { owned: mine, pending, .. } => {
                (if mine { owned } else { assigned }) && (!pending || version.pending)
            }
        }
}

fn is_version(task: &Value, version: &Version) -> bool {
    let id = |name: &str| task[name].as_str().and_then(|id| id.parse().ok());
    id("user_id") == version.owner
        && id("assignee_id") == version.assignee
        && (task["status"] == "pending") == version.pending
        && task["title"] == version.title.as_str()
}
