#![doc = include_str!("../README.md")]

mod call;
mod error;
mod handle;
mod health;
mod identity;
mod keys;
mod me;
mod operation;
mod pattern;
mod pool;
mod reader;
mod settings;
mod statement;
mod tasks;
pub mod tls;
pub mod trips;
mod users;

pub use error::{BadStanding, DbError};
pub use handle::{Db, Read, ReadDb, Role, Write, WriteDb};
pub use health::Health;
pub use identity::Identity;
pub use keys::KeptKeys;
pub use operation::{IdempotencyKey, Operation, Outcome};
pub use settings::{Credentials, Settings};
pub use statement::Statement;
pub use tasks::{ListTasks, TOTAL_CAP, TaskPage, Window};
pub use users::{ListUsers, UserPage};

/// Every statement of this crate, for the test that prepares them all.
pub fn statements() -> Vec<Statement> {
    let mut all = vec![
        health::PING,
        identity::GREET,
        identity::GREET_ONLY,
        keys::KEEP,
        keys::KEPT,
        me::GET,
        me::UPDATE,
        tasks::CREATE,
        tasks::DELETE,
        tasks::FIND,
        tasks::RESTORE,
        tasks::UPDATE,
        users::LIST,
        users::UPDATE,
    ];
    all.extend(tasks::LISTS);
    all
}
