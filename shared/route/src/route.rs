//! The trait that a function implements.

use auth::Caller;
use cache::Touch;
use config::Deps as _;

use crate::cx::Cx;
use crate::input::Input;
use crate::judge::Judge;
use crate::problem::{Kind, Problem};
use crate::reply::Reply;
use crate::spec::{Access, Spec};

/// One HTTP route, served by one Lambda function.
pub trait Route: Sized + Send + Sync + 'static {
    /// What is true of the route before any request.
    const SPEC: Spec;
    /// What the handler may touch; decides the function's settings and rights.
    type Deps: Judge;
    /// What the handler needs from a request.
    type Input: Input;
    /// What the handler answers with; decides the status.
    type Output: Reply;

    /// What of the cache a request reads or changes; Redis is asked for it, or a fence put around it,
    /// before the work.
    fn touches(input: &Self::Input, caller: &Caller) -> Touch {
        let _ = (input, caller);
        Touch::Nothing
    }

    /// Does the work. Who is calling and what was sent have been judged.
    fn handle(
        cx: Cx<'_, Self>,
        input: Self::Input,
    ) -> impl Future<Output = Result<Self::Output, Problem>> + Send;
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
    if R::SPEC.limited {
        kinds.push(Kind::RateLimited);
    }
    if R::SPEC.access == Access::LogoutToken {
        kinds.extend([Kind::AuthUnavailable, Kind::DatabaseUnavailable]);
    }
    if R::SPEC.access.has_caller() {
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
