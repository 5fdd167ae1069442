//! How much is measured behind the answers.

use crate::plan::Plan;

/// The numbers of a run.
pub(super) struct Amount {
    /// Rounds of what is compared.
    pub(super) rounds: usize,
    /// Events that the relay carries in one.
    pub(super) relayed: usize,
    /// Events that lie in its way and are not due.
    pub(super) stuck: i32,
    /// Events that a worker counts in one.
    pub(super) counted: usize,
    /// Mails.
    pub(super) mails: usize,
    /// Tasks of an export.
    pub(super) exported: u32,
    /// Tasks that are made while the relay is awake, and while it sleeps.
    pub(super) awake: usize,
    pub(super) asleep: usize,
    /// Tasks that are made in one round while mails are slow.
    pub(super) created: usize,
}

impl Amount {
    pub(super) const fn of(plan: &Plan) -> Self {
        if plan.quick { Self::quick() } else { Self::whole() }
    }

    const fn whole() -> Self {
        Self {
            rounds: 3,
            relayed: 3000,
            stuck: 30_000,
            counted: 20_000,
            mails: 1000,
            exported: 1_000_000,
            awake: 250,
            asleep: 20,
            created: 150,
        }
    }

    const fn quick() -> Self {
        Self {
            rounds: 1,
            relayed: 200,
            stuck: 2000,
            counted: 1000,
            mails: 50,
            exported: 20_000,
            awake: 10,
            asleep: 2,
            created: 15,
        }
    }
}
