//! What an export may be asked for.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{Conditions, Format, Kind};
use crate::input::{self, Fault, Fields, Invalid};
use crate::listing::Scope;

/// What somebody wants to have exported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewExport {
    /// What of the tasks.
    pub kind: Kind,
    /// `csv` if left out.
    pub format: Format,
    /// Whose tasks; by default it depends on the caller.
    pub scope: Option<Scope>,
    /// Which of them; all if left out.
    pub filter: Conditions,
}

impl NewExport {
    /// Reads the body of a request.
    pub fn from_json(object: Map<String, Value>) -> Result<Self, Invalid> {
        let mut f = Fields::of(object);
        let kind = f.required("kind", |v| input::word(v, Kind::named, Kind::NAMES));
        let format = f.optional("format", |v| input::word(v, Format::named, Format::NAMES));
        let scope = f.optional("scope", scope);
        let filter = f.nested("filter", Conditions::take);
        f.finish(|| {
            Some(Self {
                kind: kind?,
                format: format.unwrap_or_default(),
                scope,
                filter: filter.flatten().unwrap_or_default(),
            })
        })
    }
}

fn scope(value: Value) -> Result<Scope, Fault> {
    Scope::parse(&input::text(value)?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: Value) -> Result<NewExport, Vec<(String, &'static str)>> {
        let Value::Object(object) = value else { panic!("{value}") };
        NewExport::from_json(object).map_err(|Invalid(errors)| {
            errors.into_iter().map(|e| (e.pointer.unwrap_or_default(), e.code)).collect()
        })
    }

    #[test]
    fn the_kind_is_enough() {
        let least = read(json!({"kind": "tasks"})).unwrap();
        let written = json!({"kind": "tasks", "format": "csv", "scope": null, "filter": {}});
        assert_eq!(json!(least), written);
        assert_eq!(read(json!({"kind": "tasks", "filter": null})), Ok(least));
        let all = json!({
            "kind": "report", "format": "jsonl", "scope": "all", "filter": {"status": ["pending"]},
        });
        assert_eq!(json!(read(all.clone()).unwrap()), all);
    }

    #[test]
    fn one_answer_names_everything_that_is_wrong() {
        let wrong = json!({"format": "xml", "scope": "mine", "filter": {"q": 1, "x": 2}, "y": 3});
        let expected = [
            ("#/kind", "required"),
            ("#/format", "invalid_value"),
            ("#/scope", "invalid_value"),
            ("#/filter/q", "wrong_type"),
            ("#/filter/x", "unknown_field"),
            ("#/y", "unknown_field"),
        ];
        let expected = expected.map(|(pointer, code)| (pointer.to_owned(), code));
        assert_eq!(read(wrong).unwrap_err(), expected);
    }
}
