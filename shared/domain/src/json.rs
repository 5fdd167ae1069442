//! JSON objects that mean one thing only: no key twice, no endless nesting.
//!
//! Of two equal keys readers take one or the other. What a client meant, or an issuer signed, must
//! not depend on who reads it.

use std::cell::RefCell;
use std::fmt;

use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::input::escaped;

/// Why a text is not taken for an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotAnObject {
    /// It is not JSON, or nested too deeply; where the reading ended. Never quotes the text.
    Syntax {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// Whether it could have gone on.
        ended_early: bool,
    },
    /// It is another JSON value.
    Other,
    /// A key is there twice; its pointer.
    Duplicate(String),
}

/// Reads a JSON object.
pub fn object(bytes: &[u8]) -> Result<Map<String, Value>, NotAnObject> {
    let trail = Trail::default();
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let read = Strict(&trail)
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value));
    match (read, trail.duplicate.take()) {
        (Ok(Value::Object(object)), _) => Ok(object),
        (Ok(_), _) => Err(NotAnObject::Other),
        (Err(_), Some(pointer)) => Err(NotAnObject::Duplicate(pointer)),
        (Err(error), None) => Err(NotAnObject::Syntax {
            line: error.line(),
            column: error.column(),
            ended_early: error.is_eof(),
        }),
    }
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

    fn refusal(text: &str) -> NotAnObject {
        object(text.as_bytes()).unwrap_err()
    }

    fn duplicate(pointer: &str) -> NotAnObject {
        NotAnObject::Duplicate(pointer.to_owned())
    }

    #[test]
    fn it_reads_what_serde_reads() {
        let text = r#" {"a":[1,-2,3.5,"\u00e9",null,true],"b":{"c":{}}} "#;
        let expected: Value = serde_json::from_str(text).unwrap();
        assert_eq!(Value::Object(object(text.as_bytes()).unwrap()), expected);
    }

    #[test]
    fn a_key_twice_is_named_where_it_stands() {
        assert_eq!(refusal(r#"{"a":1,"a":2}"#), duplicate("#/a"));
        assert_eq!(refusal(r#"{"a":[{},{"x/y":1,"x/y":1}]}"#), duplicate("#/a/1/x~1y"));
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
        assert!(object(b"{\"a\":\"\xff\"}").is_err());
    }

    #[test]
    fn ten_thousand_levels_are_refused_without_harm() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
        assert!(matches!(refusal(&deep), NotAnObject::Syntax { .. }));
    }

    proptest! {
        #[test]
        fn any_bytes_get_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = object(&bytes);
        }
    }
}
