//! The fields of a JSON object, taken one by one.

use serde_json::{Map, Value};

use super::{Fault, FieldError, Invalid, escaped};

/// How many errors one answer lists: enough to be useful, too few to be a load.
const MOST_ERRORS: usize = 50;

/// The fields of a JSON object. What nobody took is unknown, and an error.
pub struct Fields {
    /// The pointer of the object.
    place: String,
    object: Map<String, Value>,
    known: Vec<&'static str>,
    errors: Vec<FieldError>,
}

impl Fields {
    /// The fields of a body.
    pub fn of(object: Map<String, Value>) -> Self {
        Self::at("#".to_owned(), object)
    }

    /// The fields of a body that changes something: one without any field is an error.
    pub fn of_change(object: Map<String, Value>) -> Self {
        let mut fields = Self::of(object);
        if fields.object.is_empty() {
            let fault = Fault::new("empty", "must set at least one field");
            fields.errors.push(fault.of_value(fields.place.clone()));
        }
        fields
    }

    const fn at(place: String, object: Map<String, Value>) -> Self {
        Self { place, object, known: Vec::new(), errors: Vec::new() }
    }

    /// A field that must be there and must not be null.
    pub fn required<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(Value) -> Result<T, Fault>,
    ) -> Option<T> {
        match self.take(name) {
            Some(value) => self.parsed(name, value, parse),
            None => self.failed(name, Fault::new("required", "is required")),
        }
    }

    /// A field that may be left out, but must not be null.
    pub fn optional<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(Value) -> Result<T, Fault>,
    ) -> Option<T> {
        let value = self.take(name)?;
        self.parsed(name, value, parse)
    }

    /// A field that may be left out (`None`) or null (`Some(None)`).
    pub fn nullable<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(Value) -> Result<T, Fault>,
    ) -> Option<Option<T>> {
        match self.take(name)? {
            Value::Null => Some(None),
            value => self.parsed(name, value, parse).map(Some),
        }
    }

    /// A field that holds fields of its own, and may be left out (`None`) or null (`Some(None)`).
    pub fn nested<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&mut Self) -> T,
    ) -> Option<Option<T>> {
        match self.take(name)? {
            Value::Null => Some(None),
            Value::Object(object) => {
                let mut inner = Self::at(self.pointer(name), object);
                let read = read(&mut inner);
                self.errors.extend(inner.into_errors());
                Some(Some(read))
            }
            _ => self.failed(name, Fault::new("wrong_type", "must be an object")),
        }
    }

    /// Ends the reading: an error for each field nobody asked for, then the result.
    ///
    /// `build` is asked only if nothing is wrong; it answers `None` if a required part is missing.
    pub fn finish<T>(self, build: impl FnOnce() -> Option<T>) -> Result<T, Invalid> {
        let errors = self.into_errors();
        if errors.is_empty()
            && let Some(built) = build()
        {
            return Ok(built);
        }
        Err(Invalid(errors))
    }

    fn into_errors(mut self) -> Vec<FieldError> {
        let known = self.known.join(", ");
        for name in self.object.keys().take(MOST_ERRORS) {
            let fault = Fault::new(
                "unknown_field",
                format!("is not a field that can be set here; those are: {known}"),
            );
            self.errors.push(fault.of_value(self.pointer(name)));
        }
        self.errors.truncate(MOST_ERRORS);
        self.errors
    }

    fn pointer(&self, name: &str) -> String {
        format!("{}/{}", self.place, escaped(name))
    }

    fn take(&mut self, name: &'static str) -> Option<Value> {
        self.known.push(name);
        self.object.remove(name)
    }

    fn parsed<T>(
        &mut self,
        name: &str,
        value: Value,
        parse: impl FnOnce(Value) -> Result<T, Fault>,
    ) -> Option<T> {
        parse(value).map_or_else(|fault| self.failed(name, fault), Some)
    }

    fn failed<T>(&mut self, name: &str, fault: Fault) -> Option<T> {
        self.errors.push(fault.of_value(self.pointer(name)));
        None
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{text, uuid};
    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(object) => object,
            other => panic!("{other}"),
        }
    }

    fn fields(value: Value) -> Fields {
        Fields::of(object(value))
    }

    fn found(Invalid(errors): &Invalid) -> Vec<(&str, &'static str)> {
        errors.iter().map(|e| (e.pointer.as_deref().unwrap(), e.code)).collect()
    }

    #[test]
    fn one_answer_names_everything_that_is_wrong() {
        let mut f = fields(json!({"a": 1, "c/d é": true}));
        let a = f.required("a", text);
        let b = f.required("b", text);
        let invalid = f.finish(|| Some((a?, b?))).unwrap_err();
        assert_eq!(
            found(&invalid),
            [("#/a", "wrong_type"), ("#/b", "required"), ("#/c~1d%20%C3%A9", "unknown_field")]
        );
    }

    #[test]
    fn null_is_a_value_only_where_it_means_something() {
        let mut f = fields(json!({"a": null, "b": null}));
        assert_eq!(f.nullable("a", text), Some(None));
        assert_eq!(f.nullable("absent", text), None);
        assert_eq!(f.optional("b", text), None);
        assert!(f.finish(|| Some(())).is_err());
    }

    #[test]
    fn an_object_inside_is_judged_with_its_whole_pointer() {
        let mut f = fields(json!({"a": {"b": {"id": 1, "x": 2}, "y": 3}, "z": 4}));
        f.nested("a", |a| a.nested("b", |b| b.required("id", uuid)));
        let invalid = f.finish(|| Some(())).unwrap_err();
        assert_eq!(
            found(&invalid),
            [
                ("#/a/b/id", "wrong_type"),
                ("#/a/b/x", "unknown_field"),
                ("#/a/y", "unknown_field"),
                ("#/z", "unknown_field"),
            ]
        );
    }

    #[test]
    fn what_should_be_an_object_may_be_left_out_or_null() {
        let mut f = fields(json!({"a": null, "b": []}));
        assert_eq!(f.nested("a", |_| ()), Some(None));
        assert_eq!(f.nested("absent", |_| ()), None);
        assert_eq!(f.nested("b", |_| ()), None);
        assert_eq!(found(&f.finish(|| Some(())).unwrap_err()), [("#/b", "wrong_type")]);
    }

    #[test]
    fn a_change_of_nothing_is_refused_as_a_whole() {
        let mut f = Fields::of_change(Map::new());
        f.optional("a", text);
        assert_eq!(found(&f.finish(|| Some(())).unwrap_err()), [("#", "empty")]);
        // A field that nobody knows is something, and wrong for another reason.
        let f = Fields::of_change(object(json!({"x": 1})));
        assert_eq!(found(&f.finish(|| Some(())).unwrap_err()), [("#/x", "unknown_field")]);
    }

    #[test]
    fn a_flood_of_fields_gets_a_short_answer() {
        let flood: Map<_, _> = (0..10_000).map(|i| (i.to_string(), Value::Null)).collect();
        let Invalid(errors) = Fields::of(flood.clone()).finish(|| Some(())).unwrap_err();
        assert_eq!(errors.len(), MOST_ERRORS);
        let mut f = fields(json!({"a": flood.clone(), "b": flood}));
        f.nested("a", |_| ());
        f.nested("b", |_| ());
        let Invalid(errors) = f.finish(|| Some(())).unwrap_err();
        assert_eq!(errors.len(), MOST_ERRORS);
    }
}
