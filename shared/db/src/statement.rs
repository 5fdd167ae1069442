//! A statement: its text, and the types of its parameters.

use tokio_postgres::types::Type;

/// One statement that this system sends to Postgres.
#[derive(Clone, Copy, Debug)]
pub struct Statement {
    /// Names it in logs; also the first line of the text, so that the database's log leads here.
    pub name: &'static str,
    /// The text. Constant: all data are parameters.
    pub sql: &'static str,
    /// The types of `$1`, `$2`, …
    pub types: &'static [Type],
}
