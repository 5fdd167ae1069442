//! Who is calling, and may they?
//!
//! 401 means that we do not know who you are, and says how to tell us. 403 means that we know you and
//! you may not. 404 is also the answer when you may not know that a thing exists.

use auth::{Caller, Logout, Refusal, Verifier};
use cache::{Cache, Verdict};
use db::{DbError, Identity};
use time::OffsetDateTime;

use crate::front::Front;
use crate::judge::Judge;
use crate::problem::{Kind, Problem};
use crate::request::Request;
use crate::spec::{Access, Spec};

/// Who calls.
pub(crate) enum Who {
    /// Whoever the access token speaks for.
    Caller(Caller),
    /// The issuer, with a logout token.
    Issuer(Logout),
    /// Nobody asked.
    Anybody,
}

/// Who is calling. Anybody on a public route, whatever the request carries.
pub(crate) async fn identify(
    spec: &Spec,
    verifier: Option<&Verifier>,
    request: &Request,
) -> Result<Who, Problem> {
    if spec.access.is_public() {
        return Ok(Who::Anybody);
    }
    let verifier = verifier.ok_or_else(|| Problem::internal("no verifier"))?;
    if spec.access == Access::LogoutToken {
        let invalid = || Problem::new(Kind::InvalidLogoutToken);
        let token = request.form_field("logout_token").ok_or_else(invalid)?;
        return verifier.verify_logout(&token).await.map(Who::Issuer).map_err(|why| match why {
            Refusal::Unavailable => Problem::new(Kind::AuthUnavailable),
            Refusal::Invalid(reason) => invalid().because(reason),
            Refusal::Missing => invalid(),
        });
    }
    let headers: Vec<&str> = request.headers("authorization").collect();
    verifier.verify(&headers).await.map(Who::Caller).map_err(|refusal| match refusal {
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

/// What the database needs to know of a caller.
pub(crate) fn identity(caller: &Caller, vouched_for: bool) -> Identity<'_> {
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
        vouched_for,
    }
}

/// What to answer instead of a refusal, if the caller's token does not count any more.
///
/// A request that goes on asks for the caller's standing in its own statement, unless Redis vouches for
/// them. One that is refused before that asks here, so that a logged-out caller always gets the same
/// answer.
pub(crate) async fn standing_first<D: Judge>(
    deps: &D,
    caller: &Caller,
    front: &Front<'_>,
    refusal: Problem,
) -> Problem {
    if front.vouches() {
        return refusal;
    }
    match front.read(deps.greet(&identity(caller, false)).await).await {
        Err(error @ DbError::Caller(..)) => error.into(),
        // In order, or unknown: the refusal stands, and nothing was done.
        Ok(()) | Err(_) => refusal,
    }
}

/// Whether as many calls may come from where one without a good token comes from. Says what the limit
/// says, if somebody counted.
pub(crate) async fn count_stranger(
    cache: &Cache,
    request: &Request,
    refusal: Option<&Problem>,
) -> Option<Verdict> {
    // Guessing tokens is not to be cheap.
    let guess = [Kind::InvalidToken, Kind::InvalidLogoutToken];
    let guessed = refusal.is_some_and(|problem| guess.contains(&problem.kind()));
    cache.count(request.source_ip(), if guessed { 2 } else { 1 }).await
}
