//! A JSON body.

use domain::{Invalid, MePatch, NewExport, NewTask, TaskPatch, TaskReplacement, UserPatch};
use serde_json::{Map, Value};

use super::{Input, Shape, Step};
use crate::problem::{Kind, Problem};
use crate::request::Request;

/// Reads itself from the object of a body, naming every field that is wrong.
pub trait FromJson: Sized + Send {
    /// Reads the object.
    fn from_json(object: Map<String, Value>) -> Result<Self, Invalid>;
}

impl FromJson for NewTask {
    fn from_json(object: Map<String, Value>) -> Result<Self, Invalid> {
        Self::from_json(object)
    }
}

impl FromJson for TaskPatch {
    fn from_json(object: Map<String, Value>) -> Result<Self, Invalid> {
        Self::from_json(object)
    }
}

impl FromJson for TaskReplacement {
    fn from_json(object: Map<String, Value>) -> Result<Self, Invalid> {
        Self::from_json(object)
    }
}

impl FromJson for NewExport {
    fn from_json(object: Map<String, Value>) -> Result<Self, Invalid> {
        Self::from_json(object)
    }
}

impl FromJson for MePatch {
    fn from_json(object: Map<String, Value>) -> Result<Self, Invalid> {
        Self::from_json(object)
    }
}

impl FromJson for UserPatch {
    fn from_json(object: Map<String, Value>) -> Result<Self, Invalid> {
        Self::from_json(object)
    }
}

/// The body.
pub struct Json<T>(pub T);

impl<T: FromJson> Input for Json<T> {
    const STEP: Step = Step::Values;

    fn describe(shape: &mut Shape) {
        shape.body = true;
        shape.problems.extend([
            Kind::UnsupportedMediaType,
            Kind::PayloadTooLarge,
            Kind::MalformedJson,
        ]);
    }

    fn read(request: &Request) -> Result<Self, Problem> {
        Ok(Self(T::from_json(request.body.clone())?))
    }
}
