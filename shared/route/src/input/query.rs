//! Query parameters, read strictly: unknown, repeated and malformed ones are errors.

use std::collections::BTreeMap;

use domain::FieldError;
use domain::input::{Fault, parameter};

use super::{Input, Shape, Step};
use crate::problem::Problem;
use crate::request::Request;

/// Reads itself from the query, naming every parameter that is wrong.
pub trait FromQuery: Sized + Send {
    /// The parameters it knows.
    const PARAMETERS: &'static [&'static str];

    /// Those of them that may be given more than once.
    const REPEATABLE: &'static [&'static str] = &[];

    /// Takes its parameters.
    fn from_query(parameters: &mut Parameters) -> Option<Self>;
}

/// The query.
pub struct Query<T>(pub T);

impl<T: FromQuery> Input for Query<T> {
    const STEP: Step = Step::Values;

    fn describe(shape: &mut Shape) {
        shape.parameters.extend_from_slice(T::PARAMETERS);
        shape.repeatable.extend_from_slice(T::REPEATABLE);
    }

    fn read(request: &Request) -> Result<Self, Problem> {
        let mut parameters = Parameters::default();
        for (name, value) in request.query() {
            parameters.given.entry(name).or_default().push(value);
        }
        let read = T::from_query(&mut parameters);
        match read {
            Some(query) if parameters.errors.is_empty() => Ok(Self(query)),
            _ => {
                parameters.errors.truncate(MOST_ERRORS);
                Err(Problem::invalid(parameters.errors))
            }
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
#[derive(Default)]
pub struct Parameters {
    given: BTreeMap<String, Vec<String>>,
    errors: Vec<FieldError>,
}

impl Parameters {
    /// A parameter that may be left out.
    pub fn optional<T>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, Fault>,
    ) -> Option<T> {
        let text = self.given.get(name)?.first()?;
        match parse(text) {
            Ok(value) => Some(value),
            Err(fault) => {
                self.refuse(name, fault);
                None
            }
        }
    }

    /// A parameter that may be given more than once, in the order given.
    pub fn all<T>(&mut self, name: &str, parse: impl Fn(&str) -> Result<T, Fault>) -> Vec<T> {
        let mut values = Vec::new();
        for text in self.given.get(name).into_iter().flatten() {
            match parse(text) {
                Ok(value) => values.push(value),
                Err(fault) => self.errors.push(fault.of_parameter(name)),
            }
        }
        values
    }

    /// `true` or `false`; false if left out.
    pub fn flag(&mut self, name: &str) -> bool {
        self.optional(name, parameter::flag).unwrap_or_default()
    }

    /// Whether a parameter was given, well or badly.
    pub fn is_given(&self, name: &str) -> bool {
        self.given.contains_key(name)
    }

    /// Refuses a parameter for a reason that is not in its value alone.
    pub fn refuse(&mut self, name: &str, fault: Fault) {
        self.errors.push(fault.of_parameter(name));
    }
}

/// Refuses parameters that the route does not know, and those that are given twice for no reason.
pub(crate) fn check_names(request: &Request, shape: &Shape) -> Result<(), Problem> {
    if shape.any_parameters {
        return Ok(());
    }
    let known = &shape.parameters;
    let mut errors: Vec<FieldError> = Vec::new();
    let mut seen: Vec<String> = Vec::new();
    let repeated = |seen: &[String], name: &String| {
        seen.contains(name) && !shape.repeatable.contains(&name.as_str())
    };
    for (name, value) in request.query() {
        let fault = if !known.contains(&name.as_str()) {
            Fault::new("unknown_parameter", allowed(known))
        } else if repeated(&seen, &name) {
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

#[cfg(test)]
mod tests {
    use clock::Clock;

    use super::*;
    use crate::gateway::Event;
    use crate::spec::{Access, Spec};

    /// What the tests ask for.
    #[derive(Debug, PartialEq)]
    struct Wanted {
        labels: Vec<u32>,
        page: Option<u32>,
        all: bool,
    }

    impl FromQuery for Wanted {
        const PARAMETERS: &'static [&'static str] = &["label", "page", "skip", "all"];
        const REPEATABLE: &'static [&'static str] = &["label"];

        fn from_query(parameters: &mut Parameters) -> Option<Self> {
            if parameters.is_given("page") && parameters.is_given("skip") {
                parameters.refuse("skip", Fault::new("mixed", "does not go with page"));
            }
            let number = |text: &str| parameter::number(text, 1..=9);
            Some(Self {
                labels: parameters.all("label", number),
                page: parameters.optional("page", number),
                all: parameters.flag("all"),
            })
        }
    }

    const SPEC: Spec = Spec::get("x", "/v1/x", Access::Public);

    fn read(query: &str) -> Result<Wanted, Vec<(String, String)>> {
        let event = Event { raw_query_string: query.into(), ..Event::default() };
        let request = Request::new(event, &SPEC, &Clock::system());
        let mut shape = Shape::default();
        Query::<Wanted>::describe(&mut shape);
        let read = check_names(&request, &shape).and_then(|()| Query::read(&request));
        read.map(|Query(wanted)| wanted).map_err(|problem| {
            let body = problem.body("", "/", "r");
            let body: serde_json::Value = serde_json::from_str(&body).unwrap();
            let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
            let errors = body["errors"].as_array().unwrap().iter();
            errors.map(|error| (text(&error["parameter"]), text(&error["code"]))).collect()
        })
    }

    fn error(parameter: &str, code: &str) -> (String, String) {
        (parameter.to_owned(), code.to_owned())
    }

    #[test]
    fn only_a_repeatable_parameter_repeats() {
        let expected = Wanted { labels: vec![2, 1, 2], page: Some(3), all: true };
        assert_eq!(read("label=2&page=3&label=1&all=true&label=2"), Ok(expected));
        assert_eq!(read("page=1&page=1"), Err(vec![error("page", "repeated")]));
        assert_eq!(read("Label=1"), Err(vec![error("Label", "unknown_parameter")]));
    }

    #[test]
    fn one_answer_names_every_value_that_is_wrong() {
        assert_eq!(
            read("label=x&label=1&label=10&page=0&skip=1&all=yes"),
            Err(vec![
                error("skip", "mixed"),
                error("label", "invalid_value"),
                error("label", "out_of_range"),
                error("page", "out_of_range"),
                error("all", "invalid_value"),
            ])
        );
    }

    #[test]
    fn a_flood_of_values_gets_a_short_answer() {
        let flood = "label=x&".repeat(1000);
        assert_eq!(read(&flood).unwrap_err().len(), MOST_ERRORS);
    }
}
