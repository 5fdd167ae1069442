//! JSON bodies, read strictly: no duplicate keys, no endless nesting.

use std::cell::RefCell;
use std::fmt;

use domain::input::escaped;
use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::problem::{Kind, Problem};

/// Reads a body that must be a JSON object.
pub(crate) fn object(bytes: &[u8]) -> Result<Map<String, Value>, Problem> {
    let trail = Trail::default();
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let read = Strict(&trail)
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value));
    match read {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(Problem::new(Kind::MalformedJson)),
        Err(_) if trail.duplicate.borrow().is_some() => {
            let pointer = trail.duplicate.take().unwrap_or_default();
            Err(Problem::new(Kind::MalformedJson).detail("The body has the same key twice.").at(
                &pointer,
                "duplicate_key",
                "appears more than once",
            ))
        }
        // The parser's words name a place and never quote the text.
        Err(error) => Err(Problem::new(Kind::MalformedJson)
            .detail(format!("The body is not JSON: {}.", position(&error)))),
    }
}

fn position(error: &serde_json::Error) -> String {
    let what = if error.is_eof() { "it ends too early" } else { "it cannot be read" };
    format!("{what} at line {}, column {}", error.line(), error.column())
}

/// Where the reading is, and where it met a key again.
#[derive(Default)]
struct Trail {
    path: RefCell<Vec<String>>,
    duplicate: RefCell<Option<String>>,
}

impl Trail {
    fn enter(&self, part: &str) {
        self.path.borrow_mut().push(escaped(part));
    }

    fn leave(&self) {
        self.path.borrow_mut().pop();
    }

    fn note_duplicate(&self, key: &str) {
        let mut pointer = String::from("#");
        for part in self.path.borrow().iter().map(String::as_str).chain([&*escaped(key)]) {
            pointer.push('/');
            pointer.push_str(part);
        }
        self.duplicate.replace(Some(pointer));
    }
}

/// Reads any value, and refuses an object with the same key twice.
struct Strict<'t>(&'t Trail);

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        loop {
            self.0.enter(&values.len().to_string());
            let next = seq.next_element_seed(Strict(self.0))?;
            self.0.leave();
            match next {
                Some(value) => values.push(value),
                None => return Ok(Value::Array(values)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            if object.contains_key(&key) {
                self.0.note_duplicate(&key);
                return Err(de::Error::custom("duplicate key"));
            }
            self.0.enter(&key);
            let value = map.next_value_seed(Strict(self.0))?;
            self.0.leave();
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn refusal(text: &str) -> String {
        let problem = object(text.as_bytes()).unwrap_err();
        assert_eq!(problem.kind(), Kind::MalformedJson);
        problem.body("", "", "")
    }

    #[test]
    fn it_reads_what_serde_reads() {
        let text = r#" {"a":[1,-2,3.5,"\u00e9",null,true],"b":{"c":{}}} "#;
        let expected: Value = serde_json::from_str(text).unwrap();
        assert_eq!(Value::Object(object(text.as_bytes()).unwrap()), expected);
    }

    #[test]
    fn a_key_twice_is_named_where_it_stands() {
        assert!(refusal(r#"{"a":1,"a":2}"#).contains("\"#/a\""));
        assert!(refusal(r#"{"a":[{},{"x/y":1,"x/y":1}]}"#).contains("\"#/a/1/x~1y\""));
        // The same key in different objects is fine.
        assert!(object(br#"{"a":{"k":1},"b":{"k":1}}"#).is_ok());
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for text in
            ["", " ", "null", "[]", "\"x\"", "1", "{", "{}x", "{'a':1}", r#"{"a":"\ud800"}"#]
        {
            refusal(text);
        }
        assert_eq!(object(b"{\"a\":\"\xff\"}").unwrap_err().kind(), Kind::MalformedJson);
    }

    #[test]
    fn ten_thousand_levels_are_refused_without_harm() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
        refusal(&deep);
    }

    proptest! {
        #[test]
        fn any_bytes_get_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = object(&bytes);
        }
    }
}
