#![doc = include_str!("../README.md")]

mod call;
mod error;
mod handle;
mod health;
mod keys;
mod pool;
mod settings;
mod standing;
mod statement;
mod tasks;
pub mod tls;
pub mod trips;

pub use error::DbError;
pub use handle::{Db, Read, ReadDb, Role, Write, WriteDb};
pub use health::Health;
pub use keys::KeptKeys;
pub use settings::{Credentials, Settings};
pub use standing::{Session, Standing};
pub use statement::Statement;
pub use tasks::{CreateOutcome, CreateTask, IdempotencyKey};

/// Every statement of this crate, for the test that prepares them all.
pub const fn statements() -> &'static [Statement] {
    &[health::PING, keys::KEEP, keys::KEPT, standing::ASK, tasks::CREATE, tasks::FIND]
}
