//! Reading an input field by field, so that one answer names everything that is wrong with it.

mod fields;
pub mod parameter;
mod values;

use std::borrow::Cow;
use std::fmt::Write as _;

use serde::Serialize;

pub use fields::Fields;
pub use values::{flag, parse_uuid, text, text_up_to, timestamp, trimmed_up_to, uuid, word};
pub(crate) use values::{too_long, trimmed};

/// One thing that is wrong with an input, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// In the body: a JSON pointer in a fragment, `#/labels/3`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// In the query: the parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
    /// For programs.
    pub code: &'static str,
    /// For people. Never repeats the value that was sent.
    pub detail: Cow<'static, str>,
}

/// What is wrong with one value: a code, an explanation, and where inside the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    code: &'static str,
    detail: Cow<'static, str>,
    inside: Option<usize>,
}

impl Fault {
    /// A fault of the value as a whole.
    pub fn new(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { code, detail: detail.into(), inside: None }
    }

    /// The same fault, of the element at `index`.
    #[must_use]
    pub fn at(mut self, index: usize) -> Self {
        self.inside = Some(index);
        self
    }

    /// The same fault, of a query parameter.
    pub fn of_parameter(self, name: &str) -> FieldError {
        FieldError {
            pointer: None,
            parameter: Some(name.to_owned()),
            code: self.code,
            detail: self.detail,
        }
    }

    /// The same fault, of what stands at a pointer.
    fn of_value(self, mut pointer: String) -> FieldError {
        if let Some(index) = self.inside {
            let _ = write!(pointer, "/{index}");
        }
        FieldError { pointer: Some(pointer), parameter: None, code: self.code, detail: self.detail }
    }
}

/// A field name as a part of a JSON pointer in a URI fragment.
pub fn escaped(name: &str) -> String {
    // A field name comes from the client: keep the answer small whatever was sent.
    let shown: String = name.chars().take(64).collect();
    let mut part = String::new();
    for byte in shown.replace('~', "~0").replace('/', "~1").bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@?".contains(&byte) {
            part.push(char::from(byte));
        } else {
            let _ = write!(part, "%{byte:02X}");
        }
    }
    part
}

/// An input that breaks the rules, with everything that is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid(pub Vec<FieldError>);
