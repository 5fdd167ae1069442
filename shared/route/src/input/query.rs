//! Query parameters, read strictly: unknown, repeated and malformed ones are errors.

use std::collections::BTreeMap;

use domain::FieldError;
use domain::input::Fault;

use super::{Input, Shape, Step};
use crate::problem::Problem;
use crate::request::Request;

/// Reads itself from the query, naming every parameter that is wrong.
pub trait FromQuery: Sized + Send {
    /// The parameters it knows.
    const PARAMETERS: &'static [&'static str];

    /// Takes its parameters.
    fn from_query(parameters: &mut Parameters) -> Option<Self>;
}

/// The query.
pub struct Query<T>(pub T);

impl<T: FromQuery> Input for Query<T> {
    const STEP: Step = Step::Values;

    fn describe(shape: &mut Shape) {
        shape.parameters.extend_from_slice(T::PARAMETERS);
    }

    fn read(request: &Request) -> Result<Self, Problem> {
        let mut parameters = Parameters { given: request.query().collect(), errors: vec![] };
        let read = T::from_query(&mut parameters);
        match read {
            Some(query) if parameters.errors.is_empty() => Ok(Self(query)),
            _ => Err(Problem::invalid(parameters.errors)),
        }
    }
}

/// Whatever the query says: only for the function that answers for unknown addresses.
pub struct AnyQuery;

impl Input for AnyQuery {
    const STEP: Step = Step::Values;

    fn describe(shape: &mut Shape) {
        shape.any_parameters = true;
    }

    fn read(_: &Request) -> Result<Self, Problem> {
        Ok(Self)
    }
}

/// The parameters of a query, taken one by one. Which names exist was checked before.
pub struct Parameters {
    given: BTreeMap<String, String>,
    errors: Vec<FieldError>,
}

impl Parameters {
    /// A parameter that may be left out.
    pub fn optional<T>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, Fault>,
    ) -> Option<T> {
        let text = self.given.get(name)?;
        match parse(text) {
            Ok(value) => Some(value),
            Err(fault) => {
                self.errors.push(fault.of_parameter(name));
                None
            }
        }
    }

    /// `true` or `false`; false if left out.
    pub fn flag(&mut self, name: &str) -> bool {
        let parse = |text: &str| match text {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(Fault::new("invalid_value", "must be true or false")),
        };
        self.optional(name, parse).unwrap_or_default()
    }
}

/// Refuses parameters that the route does not know, and those that are given twice.
pub(crate) fn check_names(request: &Request, shape: &Shape) -> Result<(), Problem> {
    if shape.any_parameters {
        return Ok(());
    }
    let known = &shape.parameters;
    let mut errors: Vec<FieldError> = Vec::new();
    let mut seen: Vec<String> = Vec::new();
    for (name, value) in request.query() {
        let fault = if !known.contains(&name.as_str()) {
            Fault::new("unknown_parameter", allowed(known))
        } else if seen.contains(&name) {
            Fault::new("repeated", "must be given once")
        } else if value.contains('\0') {
            Fault::new("invalid_character", "must not contain the character U+0000")
        } else {
            seen.push(name);
            continue;
        };
        let shown: String = name.chars().take(64).collect();
        errors.push(fault.of_parameter(&shown));
        if errors.len() == MOST_ERRORS {
            break;
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(Problem::invalid(errors)) }
}

const MOST_ERRORS: usize = 50;

fn allowed(known: &[&str]) -> String {
    if known.is_empty() {
        "is not a parameter here; there are none".to_owned()
    } else {
        format!("is not a parameter here; those are: {}", known.join(", "))
    }
}
