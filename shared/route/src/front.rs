//! What stands in front of the database: Redis, asked once before the work and told once after it.
//!
//! Before: whether the caller's token still counts, whether they are within their limit, and what is
//! there of what the request reads, or a fence around what it changes. After: what the database said of
//! the caller, the value that was missing, or what the change made out of date. What Redis does not say
//! the database is asked.

use std::sync::atomic::{AtomicBool, Ordering};

use auth::Caller;
use cache::{
    Bearer, Cache, Cached, Fence, Filling, Found, Policy, Room, Standing, Touch, Verdict, Written,
};
use db::{Change, DbError, Outcome};
use domain::listing::TaskPage;
use domain::{AccountState, Task};
use queue::Outbox;
use telemetry::tally;

use crate::change::{Changeable, made_known};
use crate::problem::{Kind, Problem};

/// The front of one request.
pub(crate) struct Front<'a> {
    cache: &'a Cache,
    outbox: Option<&'a Outbox>,
    caller: &'a Caller,
    touch: Touch,
    standing: Standing,
    /// What the limits said, as far as somebody counted.
    pub(crate) limits: Vec<Verdict>,
    found: Found,
    /// Whether the change was begun, for which there is a fence.
    begun: AtomicBool,
}

/// What a read brings that can be cached: a thing, or a thing that may be missing.
pub trait Looked: Send {
    /// What is cached of it.
    type Kept: Cached;

    /// The thing, if there is one.
    fn kept(&self) -> Option<&Self::Kept>;

    /// The same from the cache.
    fn of(kept: Self::Kept) -> Self;
}

impl Looked for Option<Task> {
    type Kept = Task;

    fn kept(&self) -> Option<&Task> {
        self.as_ref()
    }

    fn of(kept: Task) -> Self {
        Some(kept)
    }
}

impl Looked for TaskPage {
    type Kept = Self;

    fn kept(&self) -> Option<&Self> {
        Some(self)
    }

    fn of(kept: Self) -> Self {
        kept
    }
}

impl<'a> Front<'a> {
    /// Asks Redis.
    pub(crate) async fn ask(
        cache: &'a Cache,
        outbox: Option<&'a Outbox>,
        caller: &'a Caller,
        policy: Option<Policy>,
        touch: Touch,
    ) -> Self {
        let bearer = Bearer {
            user: caller.sub,
            session: caller.sid.as_deref(),
            issued_at: caller.issued_at,
        };
        let (greeting, found) = cache.greet(bearer, &caller.roles, policy, &touch).await;
        let (standing, limits) = (greeting.standing, greeting.limits);
        let begun = AtomicBool::new(false);
        Self { cache, outbox, caller, touch, standing, limits, found, begun }
    }

    /// Refuses whoever was logged out, deactivated, or calls too often. Nothing stays fenced.
    pub(crate) async fn judge(&self) -> Result<(), Problem> {
        let refusal = match self.standing {
            Standing::Revoked => Problem::new(Kind::TokenRevoked),
            Standing::Disabled => Problem::new(Kind::AccountDisabled),
            Standing::Good | Standing::Unknown(_) => {
                match self.limits.iter().find(|verdict| !verdict.allowed) {
                    Some(verdict) => Problem::rate_limited(verdict),
                    None => return Ok(()),
                }
            }
        };
        self.unfence().await;
        Err(refusal)
    }

    /// Whether Redis vouches for the caller, so that the database need not be asked.
    pub(crate) fn vouches(&self) -> bool {
        self.standing == Standing::Good
    }

    /// What the database says of how the caller stands, to be kept.
    fn told(&self, state: Option<AccountState>) -> Option<cache::Told> {
        match (&self.standing, state) {
            (Standing::Unknown(Some(epoch)), Some(state)) => {
                Some(cache::Told { user: self.caller.sub, epoch: epoch.clone(), state })
            }
            _ => None,
        }
    }

    /// What a statement answered; what it said of the caller is kept.
    pub(crate) async fn read<T>(&self, answer: Result<db::Told<T>, DbError>) -> Result<T, DbError> {
        let (state, result) = match answer {
            Ok(told) => (told.state, Ok(told.value)),
            Err(DbError::Caller(standing, state)) => (state, Err(DbError::Caller(standing, None))),
            Err(error) => (None, Err(error)),
        };
        self.cache.keep(self.told(state).as_ref(), None).await;
        result
    }

    /// The value that the request said it reads: from the cache, if it is there and `sound`, or from
    /// the database, which is told how far a reader must have come; then it is kept.
    pub(crate) async fn cached<T: Looked, W>(
        &self,
        sound: impl FnOnce(&T::Kept) -> bool,
        work: impl FnOnce(Option<i64>) -> W,
    ) -> Result<T, DbError>
    where
        W: Future<Output = Result<db::Told<T>, DbError>>,
    {
        let (room, result) = match &self.found {
            Found::Value { text, room } => match self.value(text, sound) {
                // Who is not vouched for asks the database anyway.
                Some(value) if self.vouches() => {
                    tally(|request| request.cache = Some("hit"));
                    return Ok(T::of(value));
                }
                Some(_) => (Some(room), "unused"),
                None => (Some(room), "poisoned"),
            },
            Found::Room(room) => (Some(room), "miss"),
            Found::Fenced => (None, "fenced"),
            Found::Unknown => (None, "unknown"),
            Found::Nothing | Found::Fence(_) => (None, "none"),
        };
        if matches!(&self.touch, Touch::Read(entry) if entry.is_kept()) {
            tally(|request| request.cache = Some(result));
        }
        let told = match work(room.and_then(|room: &Room| room.floor)).await {
            Ok(told) => told,
            Err(error) => return self.read(Err(error)).await,
        };
        let filling = match (&self.touch, room, told.value.kept(), told.reached) {
            (_, _, None, None) | (_, None, ..) => None,
            (Touch::Read(entry), Some(room), value, reached) => {
                Some(Filling::new(entry, room.clone(), value, reached))
            }
            _ => None,
        };
        self.cache.keep(self.told(told.state).as_ref(), filling).await;
        Ok(told.value)
    }

    /// What is not kept of what the request said it reads: from the database, which is told how far a
    /// reader must have come. How far it was is kept.
    pub(crate) async fn as_far<T, W>(
        &self,
        work: impl FnOnce(Option<i64>) -> W,
    ) -> Result<T, DbError>
    where
        W: Future<Output = Result<db::Told<T>, DbError>>,
    {
        let room = match &self.found {
            Found::Value { room, .. } | Found::Room(room) => Some(room),
            Found::Fenced | Found::Unknown | Found::Nothing | Found::Fence(_) => None,
        };
        let told = match work(room.and_then(|room: &Room| room.floor)).await {
            Ok(told) => told,
            Err(error) => return self.read(Err(error)).await,
        };
        let filling = match (&self.touch, room, told.reached) {
            // What is known already need not be told.
            (Touch::Read(entry), Some(room), Some(reached)) if room.floor < Some(reached) => {
                Some(Filling::floor(entry, room.clone(), reached))
            }
            _ => None,
        };
        self.cache.keep(self.told(told.state).as_ref(), filling).await;
        Ok(told.value)
    }

    fn value<T: Cached>(&self, text: &str, sound: impl FnOnce(&T) -> bool) -> Option<T> {
        let Touch::Read(entry) = &self.touch else { return None };
        self.cache.read(entry, text).filter(sound)
    }

    /// The fence around what the request changes.
    fn fence(&self) -> Option<&Fence> {
        match &self.found {
            Found::Fence(fence) => Some(fence),
            _ => None,
        }
    }

    /// Has a change made, inside its fence.
    pub(crate) async fn change<T: Changeable>(
        &self,
        work: impl Future<Output = Result<Change<T>, DbError>>,
    ) -> Result<Outcome<T>, Problem> {
        let fence = self.fence();
        if fence.is_some_and(|fence| !self.cache.is_fresh(fence)) {
            let why = "the environment was frozen before the change, and its fence may have fallen";
            return Err(Problem::new(Kind::DatabaseUnavailable).because(why));
        }
        self.begun.store(true, Ordering::Relaxed);
        made_known(self.cache, self.outbox, fence, |state| self.told(state), work.await).await
    }

    /// Takes the fence down, if the change was never begun.
    pub(crate) async fn unfence(&self) {
        if let Some(fence) = self.fence()
            && !self.begun.swap(true, Ordering::Relaxed)
        {
            self.cache.lift(Some(fence), &Written::default(), None).await;
        }
    }
}
