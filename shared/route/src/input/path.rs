//! What the path names.

use db::Outcome;
use domain::input::parse_uuid;
use uuid::Uuid;

use super::{Input, Shape, Step};
use crate::outcome;
use crate::problem::{Kind, Problem};
use crate::reply::Changed;
use crate::request::Request;

/// A kind of thing that a path can name by its id.
pub trait Resource: Sized + Send {
    /// The answer when there is no such thing, or the caller may not know of it.
    const MISSING: Kind;
}

impl Resource for domain::Task {
    const MISSING: Kind = Kind::TaskNotFound;
}

impl Resource for domain::Export {
    const MISSING: Kind = Kind::ExportNotFound;
}

impl Resource for domain::User {
    const MISSING: Kind = Kind::UserNotFound;
}

/// The id in the path. An id that cannot exist does not exist: it is the same 404 as for a missing
/// thing, and not a complaint about its form.
pub struct Path<R> {
    /// The id.
    pub id: Uuid,
    resource: std::marker::PhantomData<fn() -> R>,
}

impl<R: Resource> Path<R> {
    /// The answer to a change of what the path names, or the problem that it met.
    pub fn changed<T>(&self, outcome: Outcome<T>) -> Result<Changed<T>, Problem> {
        outcome::changed(outcome, R::MISSING)
    }
}

impl<R: Resource> Input for Path<R> {
    const STEP: Step = Step::Target;

    fn describe(shape: &mut Shape) {
        shape.path.push("id");
        shape.problems.push(R::MISSING);
    }

    fn read(request: &Request) -> Result<Self, Problem> {
        let id = request.path_parameter("id").and_then(parse_uuid);
        let id = id.ok_or_else(|| Problem::new(R::MISSING))?;
        Ok(Self { id, resource: std::marker::PhantomData })
    }
}
