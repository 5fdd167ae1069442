//! Text that must not reach a log.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A value that is stored and sent, but never printed: no `Display`, and a `Debug` that hides it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Private<T>(T);

impl<T> Private<T> {
    /// Wraps a value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself. Read the call as a question: where does it go from here?
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Private<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[private]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_not_printed() {
        let title = Private::new(String::from("buy flowers"));
        assert_eq!(format!("{title:?} {:?}", Some(&title)), "[private] Some([private])");
    }
}
