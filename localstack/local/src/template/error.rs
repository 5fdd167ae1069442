//! What is wrong with the template.

/// What is wrong, and where.
#[derive(Debug, thiserror::Error)]
#[error("template.yaml, line {line}: {what}")]
pub struct Error {
    line: usize,
    what: String,
}

pub(crate) fn wrong(line: usize, what: impl Into<String>) -> Error {
    Error { line, what: what.into() }
}
