//! What a change did, told to the cache before anybody else is told.

use cache::{Cache, Fence, Told, Written};
use db::{Change, DbError, Outcome};
use domain::{AccountState, Export, Me, Task, User};
use queue::Outbox;
use serde::de::IgnoredAny;

use crate::problem::Problem;

/// What a change answers with.
pub trait Changeable: Send {
    /// Whether a change of it leaves an event behind.
    const HAS_EVENT: bool = true;

    /// The task that stays in the cache, if it is one.
    fn task(&self) -> Option<&Task> {
        None
    }
}

impl Changeable for Task {
    fn task(&self) -> Option<&Task> {
        Some(self)
    }
}

impl Changeable for Export {}
impl Changeable for User {}
impl Changeable for Me {
    const HAS_EVENT: bool = false;
}
impl Changeable for IgnoredAny {}

/// Makes known what came of a change: takes down the fence that the request has put up for it, and wakes
/// whoever carries events, if they sleep. `told` makes of the caller's state what is to be kept.
pub(crate) async fn made_known<T: Changeable>(
    cache: &Cache,
    outbox: Option<&Outbox>,
    fence: Option<&Fence>,
    told: impl FnOnce(Option<AccountState>) -> Option<Told>,
    answer: Result<Change<T>, DbError>,
) -> Result<Outcome<T>, Problem> {
    let (written, state, result) = match answer {
        Ok(Change { outcome, effect, state }) => {
            debug_assert!(
                effect.touched.is_empty() || fence.is_some(),
                "a route changes tasks and does not say so in `touches`"
            );
            let mut written = Written::default();
            written.version = effect.version;
            written.touched = effect.touched;
            written.judged = effect.judged;
            if fence.is_some_and(Fence::is_around_a_task)
                && let Outcome::Done(entity) = &outcome
                && let Some(task) = entity.task()
            {
                written.leave(task.id, task);
            }
            (written, state, Ok(outcome))
        }
        // Perhaps it was made, or another attempt of it still will be. The fence stays until that is past.
        Err(error @ (DbError::Unavailable(_) | DbError::KeyInProgress)) => {
            return Err(error.into());
        }
        Err(DbError::Caller(standing, state)) => {
            (Written::default(), state, Err(DbError::Caller(standing, None).into()))
        }
        Err(error) => (Written::default(), None, Err(error.into())),
    };
    let awake = cache.lift(fence, &written, told(state).as_ref()).await;
    // Also after a replay: perhaps the first answer was lost before the relay was woken.
    let happened = matches!(&result, Ok(Outcome::Done(_) | Outcome::Replayed(_)));
    if T::HAS_EVENT
        && happened
        && !awake
        && let Some(outbox) = outbox
    {
        outbox.wake().await;
    }
    result
}
