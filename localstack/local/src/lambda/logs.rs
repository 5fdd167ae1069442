//! Where the words of functions go.

use std::sync::Arc;

/// Takes lines: of which function, of which stream, and the words.
#[derive(Clone)]
pub struct Logs(Arc<Sink>);

type Sink = dyn Fn(&str, Stream, &str) + Send + Sync;

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// The function, on either of its streams.
    Function,
    /// The runner, about the function.
    Runner,
}

impl Logs {
    /// Lines go to this.
    pub fn to(sink: impl Fn(&str, Stream, &str) + Send + Sync + 'static) -> Self {
        Self(Arc::new(sink))
    }

    pub(crate) fn line(&self, function: &str, stream: Stream, words: &str) {
        (self.0)(function, stream, words);
    }
}
