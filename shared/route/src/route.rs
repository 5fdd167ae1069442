//! The trait that a function implements, and what its handler is given.

use auth::Caller;
use clock::Clock;
use db::{IdempotencyKey, Identity, Operation};
use domain::Permission;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::deps::Deps;
use crate::gate;
use crate::input::Input;
use crate::problem::{Kind, Problem};
use crate::reply::Reply;
use crate::request::Request;
use crate::spec::Spec;

/// One HTTP route, served by one Lambda function.
pub trait Route: Sized + Send + Sync + 'static {
    /// What is true of the route before any request.
    const SPEC: Spec;
    /// What the handler may touch; decides the function's settings and rights.
    type Deps: Deps;
    /// What the handler needs from a request.
    type Input: Input;
    /// What the handler answers with; decides the status.
    type Output: Reply;

    /// Does the work. Who is calling and what was sent have been judged.
    fn handle(
        cx: Cx<'_, Self>,
        input: Self::Input,
    ) -> impl Future<Output = Result<Self::Output, Problem>> + Send;
}

/// What a handler is given besides its input.
pub struct Cx<'a, R: Route> {
    /// What it may touch.
    pub deps: &'a R::Deps,
    /// The request, for its ids.
    pub request: &'a Request,
    pub(crate) caller: Option<&'a Caller>,
    pub(crate) clock: &'a Clock,
}

impl<'a, R: Route> Cx<'a, R> {
    /// Who is calling. A route that is not public always has a caller.
    pub fn caller(&self) -> Result<&'a Caller, Problem> {
        self.caller.ok_or_else(|| Problem::internal("a public route asked for its caller"))
    }

    /// What the database needs to know of the caller.
    pub fn identity(&self) -> Result<Identity<'a>, Problem> {
        Ok(identity(self.caller()?))
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

    /// What to answer instead of a refusal, if the caller's token does not count any more: for a handler
    /// that refuses before a statement of its own has asked. It costs a round trip.
    pub async fn refusal(&self, problem: Problem) -> Problem {
        gate::standing_first(self.deps, self.caller, problem).await
    }

    /// Refuses a caller whose token does not count any more. For a handler without a statement of its
    /// own that asks: it costs a round trip.
    pub async fn require_good_standing(&self) -> Result<(), Problem> {
        Ok(self.deps.greet(&self.identity()?).await?)
    }

    /// Refuses a caller without a permission: for rights that depend on what was asked.
    pub fn require(&self, permission: Permission) -> Result<(), Problem> {
        if self.caller()?.permissions.has(permission) {
            Ok(())
        } else {
            Err(Problem::forbidden(permission))
        }
    }

    /// A new id.
    pub fn new_id(&self) -> Uuid {
        self.clock.new_id()
    }
}

pub(crate) fn identity(caller: &Caller) -> Identity<'_> {
    Identity {
        user_id: caller.sub,
        session: caller.sid.as_deref(),
        issued_at: OffsetDateTime::from_unix_timestamp(caller.issued_at)
            .unwrap_or(OffsetDateTime::UNIX_EPOCH),
        username: caller.username.as_ref().map(|name| name.expose().as_str()),
        name: caller.name.as_ref().map(|name| name.expose().as_str()),
        email: caller.email.as_ref().map(|email| email.expose().as_str()),
        roles: &caller.roles,
        permissions: caller.permissions,
    }
}

/// Every problem that a route can answer with: those that follow from what it takes and touches,
/// and its own.
pub(crate) fn problems<R: Route>() -> Vec<Kind> {
    use crate::spec::Method;
    let mut kinds = vec![Kind::InternalError];
    let mut needs = Vec::new();
    R::Deps::needs(&mut needs);
    if !needs.is_empty() {
        // Who waits for nobody is never late.
        kinds.push(Kind::Timeout);
    }
    if R::SPEC.method != Method::Any {
        kinds.push(Kind::ValidationFailed);
    }
    if !R::SPEC.access.is_public() {
        kinds.extend([
            Kind::Unauthenticated,
            Kind::InvalidToken,
            Kind::AuthUnavailable,
            Kind::Forbidden,
            Kind::TokenRevoked,
            Kind::AccountDisabled,
            Kind::DatabaseUnavailable,
        ]);
    }
    let mut shape = crate::input::Shape::default();
    R::Input::describe(&mut shape);
    kinds.extend(shape.problems);
    kinds.extend(R::SPEC.problems);
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}
