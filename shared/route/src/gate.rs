//! Who is calling, and may they?
//!
//! 401 means that we do not know who you are, and says how to tell us. 403 means that we know you and
//! you may not. 404 is also the answer when you may not know that a thing exists.

use auth::{Caller, Refusal, Verifier};
use db::DbError;

use crate::deps::Deps;
use crate::problem::{Kind, Problem};
use crate::request::Request;
use crate::route::identity;
use crate::spec::Spec;

/// Who is calling. Nobody on a public route, whatever the request carries.
pub(crate) async fn identify(
    spec: &Spec,
    verifier: Option<&Verifier>,
    request: &Request,
) -> Result<Option<Caller>, Problem> {
    if spec.access.is_public() {
        return Ok(None);
    }
    let verifier = verifier.ok_or_else(|| Problem::internal("no verifier"))?;
    let headers: Vec<&str> = request.headers("authorization").collect();
    verifier.verify(&headers).await.map(Some).map_err(|refusal| match refusal {
        Refusal::Missing => Problem::new(Kind::Unauthenticated),
        Refusal::Invalid(reason) => Problem::new(Kind::InvalidToken).because(reason),
        Refusal::Unavailable => Problem::new(Kind::AuthUnavailable),
    })
}

/// Whether the caller may do what the route does.
pub fn permit(spec: &Spec, caller: Option<&Caller>) -> Result<(), Problem> {
    if spec.access.is_public() {
        return Ok(());
    }
    let caller = caller.ok_or_else(|| Problem::new(Kind::Unauthenticated))?;
    if spec.access.permits(&caller.roles, caller.permissions) {
        return Ok(());
    }
    Err(spec.access.required().map_or_else(Problem::without_role, Problem::forbidden))
}

/// What to answer instead of a refusal, if the caller's token does not count any more.
///
/// A request that goes on asks for the caller's standing in its own statement. One that is refused
/// before that asks here, so that a logged-out caller always gets the same answer.
pub(crate) async fn standing_first<D: Deps>(
    deps: &D,
    caller: Option<&Caller>,
    refusal: Problem,
) -> Problem {
    let Some(caller) = caller else { return refusal };
    match deps.greet(&identity(caller)).await {
        Err(error @ DbError::Caller(_)) => error.into(),
        // In order, or unknown: the refusal stands, and nothing was done.
        Ok(()) | Err(_) => refusal,
    }
}
