//! What came of a change, as an answer.

use db::Outcome;

use crate::problem::{Kind, Problem};
use crate::reply::Changed;

/// The answer to a change, or the problem that it met. `missing` is said of what is not there.
///
/// A conflict has words of its own at each route that can meet one; here it is a fault.
pub(crate) fn changed<T>(outcome: Outcome<T>, missing: Kind) -> Result<Changed<T>, Problem> {
    match outcome {
        Outcome::Done(entity) => Ok(Changed { entity, replayed: false }),
        Outcome::Replayed(entity) => Ok(Changed { entity, replayed: true }),
        Outcome::KeyReused => Err(Problem::new(Kind::IdempotencyKeyReused)),
        Outcome::Missing => Err(Problem::new(missing)),
        Outcome::Outdated(version) => Err(Problem::precondition_failed(version)),
        Outcome::Forbidden(permission) => Err(Problem::forbidden(permission)),
        Outcome::UnknownUser(field) => Err(Problem::invalid_field(
            &format!("#/{field}"),
            "unknown_user",
            "must be a user who is known and active",
        )),
        Outcome::Conflict => Err(Problem::internal("a conflict that the route does not know")),
    }
}

/// The same for a change of what always exists.
pub fn settled<T>(outcome: Outcome<T>) -> Result<Changed<T>, Problem> {
    changed(outcome, Kind::InternalError)
}
