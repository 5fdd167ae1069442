//! What a writer does to the shelves that it touches.

use std::collections::BTreeMap;
use std::time::SystemTime;

use config::defaults;
use uuid::Uuid;

use crate::entry::{Entry, Lives, Shelf, maybe, millis};
use crate::jitter::give_or_take;
use crate::scripts::{Scripts, Step};
use crate::value::{self, Cached};

/// The fences of one change: around the task, if it is there already, and around the caller's lists.
#[derive(Clone, Debug)]
pub struct Fence {
    pub(crate) nonce: String,
    pub(crate) since: SystemTime,
    pub(crate) task: Option<Uuid>,
    pub(crate) user: Uuid,
    pub(crate) alone: Alone,
}

/// Whether nobody else was at work when the fences were put up. Never, if Redis did not answer: then
/// nobody knows whether the fences stand.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Alone {
    pub(crate) at_task: bool,
    pub(crate) at_lists: bool,
}

/// What came of a change; by default, nothing.
#[derive(Clone, Debug, Default)]
pub struct Written {
    /// The task as it is now, to stay in the cache.
    task: Option<String>,
    /// The version of the task.
    pub version: Option<i64>,
    /// Everybody whose lists have changed, and how far the database is for each.
    pub touched: BTreeMap<Uuid, i64>,
    /// Those who do not stand as before.
    pub judged: Vec<Uuid>,
}

impl Written {
    /// The task is this now, and stays in the cache.
    pub fn leave<T: Cached>(&mut self, id: Uuid, task: &T) {
        self.task = value::encode(&Entry::task(id), task);
    }
}

impl Fence {
    /// Whether it is around a task, and not only around lists.
    pub const fn is_around_a_task(&self) -> bool {
        self.task.is_some()
    }

    pub(crate) fn raise(&self, scripts: &Scripts) -> Vec<Step> {
        let raised = self.shelves().map(|shelf| {
            shelf
                .step(&scripts.fence)
                .arg(&self.nonce)
                .arg(millis(defaults::FENCE_LIFE))
                .arg(millis(defaults::EPOCH_LIFE))
        });
        raised.collect()
    }

    pub(crate) fn lift(&self, written: &Written, scripts: &Scripts, lives: &Lives) -> Vec<Step> {
        let stays = !lives.task.is_zero();
        let lifted = self.shelves().map(|shelf| {
            let (floor, value, alone) = match shelf {
                Shelf::Task(_) => (written.version, written.task.as_deref(), self.alone.at_task),
                Shelf::Lists(user) => {
                    (written.touched.get(&user).copied(), None, self.alone.at_lists)
                }
            };
            let entry = Entry::task(self.task.unwrap_or_default());
            shelf
                .step(&scripts.lift)
                .arg(&self.nonce)
                .arg(millis(defaults::EPOCH_LIFE))
                .arg(maybe(floor))
                .arg(millis(defaults::FLOOR_LIFE))
                .arg(&entry.field)
                .arg(value.filter(|_| stays).unwrap_or_default())
                .arg(millis(give_or_take(lives.task, 10)))
                .arg(if alone { "1" } else { "" })
        });
        let others = written.touched.iter().filter(|(user, _)| **user != self.user);
        let dropped =
            others.map(|(user, seq)| Shelf::Lists(*user).drop(&self.nonce, Some(*seq), scripts));
        lifted.chain(dropped).collect()
    }

    fn shelves(&self) -> impl Iterator<Item = Shelf> {
        self.task.map(Shelf::Task).into_iter().chain([Shelf::Lists(self.user)])
    }
}

impl Shelf {
    /// What is on it is out of date.
    pub(crate) fn drop(self, nonce: &str, floor: Option<i64>, scripts: &Scripts) -> Step {
        self.step(&scripts.drop)
            .arg(nonce)
            .arg(millis(defaults::EPOCH_LIFE))
            .arg(maybe(floor))
            .arg(millis(defaults::FLOOR_LIFE))
    }
}
