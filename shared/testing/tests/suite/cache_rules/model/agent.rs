//! Somebody who reads and changes, one step at a time.

use std::collections::BTreeMap;

use cache::{Fence, Room};
use uuid::Uuid;

use super::world::{Register, World};
use crate::cache_rules::place::Seen;

pub(super) struct Agent {
    number: usize,
    doing: Doing,
}

/// What comes next.
enum Doing {
    Nothing,
    /// The database is asked; without a room, the writer.
    Asking {
        register: Register,
        room: Option<Room>,
        required: i64,
    },
    /// What was read is filled.
    Filling {
        register: Register,
        room: Room,
        version: i64,
    },
    /// The change is committed.
    Committing(Change),
    /// The fence is lifted, and then the change acknowledged.
    Lifting {
        change: Change,
        version: i64,
        touched: BTreeMap<Uuid, i64>,
    },
}

struct Change {
    fence: Fence,
    nonce: String,
    task: usize,
    user: usize,
    /// Somebody else whose lists it changes.
    other: usize,
}

impl Agent {
    pub(super) const fn new(number: usize) -> Self {
        Self { number, doing: Doing::Nothing }
    }

    pub(super) async fn step(&mut self, world: &mut World, step: usize) {
        world.lose().await;
        let doing = std::mem::replace(&mut self.doing, Doing::Nothing);
        self.doing = match doing {
            Doing::Nothing if world.random.percent(70) => self.look(world).await,
            Doing::Nothing => self.fence(world).await,
            Doing::Asking { register, room, required } => ask(world, register, room, required),
            Doing::Filling { register, room, version } => {
                let entry = world.entry(register);
                world.process(self.number, 0).fill(&entry, &room, version).await;
                Doing::Nothing
            }
            Doing::Committing(change) => self.commit(world, step, change).await,
            Doing::Lifting { change, version, touched } => {
                self.lift(world, step, change, version, touched).await
            }
        };
    }

    async fn look(&self, world: &mut World) -> Doing {
        let user = world.random.index(world.users.len());
        let register = if world.random.percent(60) {
            Register::Task(world.random.index(world.tasks.len()))
        } else {
            Register::Lists(user)
        };
        let required = world.required(register);
        let entry = world.entry(register);
        match world.process(self.number, user).look(&entry).await {
            Seen::Value(version) => {
                world.counts.hits += 1;
                world.answered(register, version, required, "the cache");
                Doing::Nothing
            }
            Seen::Room(room) => {
                world.counts.misses += 1;
                Doing::Asking { register, room: Some(room), required }
            }
            Seen::Fenced => {
                world.counts.fenced += 1;
                Doing::Asking { register, room: None, required }
            }
            Seen::Unknown => panic!("Redis did not answer"),
        }
    }

    async fn fence(&self, world: &mut World) -> Doing {
        let (task, user, other) = (
            world.random.index(world.tasks.len()),
            world.random.index(world.users.len()),
            world.random.index(world.users.len()),
        );
        let fence = world.process(self.number, user).fence(world.tasks[task]).await;
        // Of a naive cache there is no fence, and no name of it.
        let nonce = world.nonce(task).await.unwrap_or_default();
        Doing::Committing(Change { fence, nonce, task, user, other })
    }

    async fn commit(&self, world: &mut World, step: usize, change: Change) -> Doing {
        match world.random.below(20) {
            0 => {
                world.died(step, change.nonce, change.task, change.user);
                Doing::Nothing
            }
            1 | 2 => {
                world.process(self.number, change.user).give_up(&change.fence).await;
                Doing::Nothing
            }
            _ => {
                let (version, touched) = world.commit(change.task, change.user, change.other);
                Doing::Lifting { change, version, touched }
            }
        }
    }

    async fn lift(
        &self,
        world: &mut World,
        step: usize,
        change: Change,
        version: i64,
        touched: BTreeMap<Uuid, i64>,
    ) -> Doing {
        if world.random.percent(7) {
            world.died(step, change.nonce, change.task, change.user);
            return Doing::Nothing;
        }
        let task = world.tasks[change.task];
        let process = world.process(self.number, change.user);
        process.lift(&change.fence, task, version, touched.clone()).await;
        world.acknowledge(Register::Task(change.task), version);
        for user in [change.user, change.other] {
            let seq = touched[&world.users[user]];
            world.acknowledge(Register::Lists(user), seq);
        }
        Doing::Nothing
    }
}

/// Asks the reader, if its answer can be judged, or the writer.
fn ask(world: &mut World, register: Register, room: Option<Room>, required: i64) -> Doing {
    let mut version = world.read_writer(register);
    if let Some(floor) = room.as_ref().and_then(|room| room.floor)
        && world.random.percent(70)
    {
        let told = world.read_reader(register);
        if told >= floor {
            world.counts.from_reader += 1;
            version = told;
        }
    }
    world.answered(register, version, required, "the database");
    match room {
        Some(room) => Doing::Filling { register, room, version },
        None => Doing::Nothing,
    }
}
