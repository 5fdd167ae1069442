//! What a route needs from a request, as types.
//!
//! An extractor is judged at its place in the order of the contract: values first (422), then the
//! idempotency key (400), then what must exist (404). A tuple whose parts are in another order does
//! not compile into a function.

mod body;
mod cursor;
mod idempotency;
mod if_match;
mod logout_token;
mod path;
mod query;

pub use body::{FromJson, Json};
pub use cursor::Cursor;
pub use idempotency::Idempotency;
pub use if_match::IfMatch;
pub use logout_token::LogoutToken;
pub use path::{Path, Resource};
pub(crate) use query::check_names;
pub use query::{AnyQuery, FromQuery, Parameters, Query};

use crate::problem::{Kind, Problem};
use crate::request::Request;

/// What a route takes, for the pipeline and for whoever describes the route.
#[derive(Clone, Debug, Default)]
pub struct Shape {
    /// Whether it takes a JSON body.
    pub body: bool,
    /// The query parameters it knows; any other is an error.
    pub parameters: Vec<&'static str>,
    /// Those of them that may be given more than once.
    pub repeatable: Vec<&'static str>,
    /// Whether it does not care for parameters: true only of what answers for unknown addresses.
    pub any_parameters: bool,
    /// The names in its path.
    pub path: Vec<&'static str>,
    /// Whether it takes an `Idempotency-Key`.
    pub idempotent: bool,
    /// The problems that follow from all this.
    pub problems: Vec<Kind>,
}

/// Something that a request holds.
pub trait Input: Sized + Send {
    /// Where in the order of the contract it is judged.
    const STEP: Step;

    /// Adds what it takes.
    fn describe(shape: &mut Shape);

    /// Takes it.
    fn read(request: &Request) -> Result<Self, Problem>;
}

/// The steps at which parts of a request are judged, first to last.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Values: 422.
    Values = 0,
    /// The idempotency key: 400.
    Key = 1,
    /// What the path names: 404.
    Target = 2,
}

/// Nothing at all.
impl Input for () {
    const STEP: Step = Step::Values;

    fn describe(_: &mut Shape) {}

    fn read(_: &Request) -> Result<Self, Problem> {
        Ok(())
    }
}

impl<A: Input, B: Input> Input for (A, B) {
    const STEP: Step = B::STEP;

    fn describe(shape: &mut Shape) {
        A::describe(shape);
        B::describe(shape);
    }

    fn read(request: &Request) -> Result<Self, Problem> {
        const { assert!(A::STEP as u8 <= B::STEP as u8, "values, then the key, then the path") };
        Ok((A::read(request)?, B::read(request)?))
    }
}

impl<A: Input, B: Input, C: Input> Input for (A, B, C) {
    const STEP: Step = C::STEP;

    fn describe(shape: &mut Shape) {
        <(A, B)>::describe(shape);
        C::describe(shape);
    }

    fn read(request: &Request) -> Result<Self, Problem> {
        let (a, b) = <(A, B)>::read(request)?;
        const { assert!(B::STEP as u8 <= C::STEP as u8, "values, then the key, then the path") };
        Ok((a, b, C::read(request)?))
    }
}

impl<A: Input, B: Input, C: Input, D: Input> Input for (A, B, C, D) {
    const STEP: Step = D::STEP;

    fn describe(shape: &mut Shape) {
        <(A, B, C)>::describe(shape);
        D::describe(shape);
    }

    fn read(request: &Request) -> Result<Self, Problem> {
        let (a, b, c) = <(A, B, C)>::read(request)?;
        const { assert!(C::STEP as u8 <= D::STEP as u8, "values, then the key, then the path") };
        Ok((a, b, c, D::read(request)?))
    }
}
