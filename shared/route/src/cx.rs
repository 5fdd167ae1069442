//! What a handler is given.

use auth::Caller;
use clock::Clock;
use db::{Change, DbError, IdempotencyKey, Identity, Operation, Outcome, Told};
use domain::{Day, Permission};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::change::{Changeable, made_known};
use crate::front::{Front, Looked};
use crate::gate;
use crate::judge::Judge as _;
use crate::problem::Problem;
use crate::request::Request;
use crate::route::Route;

/// What a handler is given besides its input.
pub struct Cx<'a, R: Route> {
    /// What it may touch.
    pub deps: &'a R::Deps,
    /// The request, for its ids.
    pub request: &'a Request,
    pub(crate) cache: &'a cache::Cache,
    pub(crate) outbox: Option<&'a queue::Outbox>,
    pub(crate) known: Option<(&'a Caller, &'a Front<'a>)>,
    pub(crate) clock: &'a Clock,
}

impl<'a, R: Route> Cx<'a, R> {
    /// Who is calling. A route that is not public always has a caller.
    pub fn caller(&self) -> Result<&'a Caller, Problem> {
        self.known().map(|(caller, _)| caller)
    }

    fn known(&self) -> Result<(&'a Caller, &'a Front<'a>), Problem> {
        self.known.ok_or_else(|| Problem::internal("a public route asked for its caller"))
    }

    /// What the database needs to know of the caller.
    pub fn identity(&self) -> Result<Identity<'a>, Problem> {
        let (caller, front) = self.known()?;
        Ok(gate::identity(caller, front.vouches()))
    }

    /// What the database needs to know of a change that this request makes. Asked twice, it is two
    /// changes.
    pub fn operation(&self, key: Option<&'a IdempotencyKey>) -> Operation<'a> {
        Operation {
            op: self.new_id(),
            event_id: self.new_id(),
            key,
            request_id: &self.request.id,
            traceparent: self.request.trace.traceparent(),
        }
    }

    /// What the database answers to a read that is not cached.
    pub async fn read<T>(
        &self,
        work: impl Future<Output = Result<Told<T>, DbError>>,
    ) -> Result<T, Problem> {
        let (_, front) = self.known()?;
        Ok(front.read(work.await).await?)
    }

    /// The value that [`Route::touches`] says is read: from the cache, or by `work` from the database,
    /// which is given how far a reader must have come. A cached value must be `sound`: such as the
    /// request asks for. Whether the caller may see it is to be judged afterwards, wherever it comes
    /// from.
    pub async fn cached<T: Looked, W>(
        &self,
        sound: impl FnOnce(&T::Kept) -> bool,
        work: impl FnOnce(Option<i64>) -> W,
    ) -> Result<T, Problem>
    where
        W: Future<Output = Result<Told<T>, DbError>>,
    {
        let (_, front) = self.known()?;
        Ok(front.cached(sound, work).await?)
    }

    /// What is not cached, of what [`Route::touches`] says is read: by `work` from the database, which is
    /// given how far a reader must have come.
    pub async fn as_far<T, W>(&self, work: impl FnOnce(Option<i64>) -> W) -> Result<T, Problem>
    where
        W: Future<Output = Result<Told<T>, DbError>>,
    {
        let (_, front) = self.known()?;
        Ok(front.as_far(work).await?)
    }

    /// What came of a change, once everybody who reads through the cache is told of it.
    pub async fn change<T: Changeable>(
        &self,
        work: impl Future<Output = Result<Change<T>, DbError>>,
    ) -> Result<Outcome<T>, Problem> {
        match self.known {
            Some((_, front)) => front.change(work).await,
            None => made_known(self.cache, self.outbox, None, |_| None, work.await).await,
        }
    }

    /// What to answer instead of a refusal, if the caller's token does not count any more: for a handler
    /// that refuses before a statement of its own has asked. It can cost a round trip.
    pub async fn refusal(&self, problem: Problem) -> Problem {
        match self.known {
            Some((caller, front)) => gate::standing_first(self.deps, caller, front, problem).await,
            None => problem,
        }
    }

    /// Refuses a caller whose token does not count any more. For a handler without a statement of its
    /// own that asks: it can cost a round trip.
    pub async fn require_good_standing(&self) -> Result<(), Problem> {
        let (caller, front) = self.known()?;
        if front.vouches() {
            return Ok(());
        }
        Ok(front.read(self.deps.greet(&gate::identity(caller, false)).await).await?)
    }

    /// Refuses a caller without a permission: for rights that depend on what was asked.
    pub fn require(&self, permission: Permission) -> Result<(), Problem> {
        if self.caller()?.permissions.has(permission) {
            Ok(())
        } else {
            Err(Problem::forbidden(permission))
        }
    }

    /// Whether Redis answers.
    pub async fn redis_is_up(&self) -> bool {
        self.cache.is_up().await
    }

    /// The day, in UTC.
    pub fn today(&self) -> Day {
        Day::of(OffsetDateTime::from(self.clock.now()).date())
    }

    /// A new id.
    pub fn new_id(&self) -> Uuid {
        self.clock.new_id()
    }
}
