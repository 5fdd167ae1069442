#![doc = include_str!("../README.md")]

mod audit;
mod call;
mod cluster;
mod error;
mod exports;
mod handle;
mod health;
mod identity;
mod jobs;
mod keys;
mod logout;
mod mails;
mod me;
mod operation;
mod outbox;
mod pattern;
mod pool;
mod reader;
mod settings;
mod statement;
mod stats;
mod tasks;
pub mod tls;
mod upkeep;
mod users;
mod work;

pub use audit::HistoryPage;
pub use cluster::{Cluster, ClusterError, Direct, cluster_says};
pub use error::{BadStanding, DbError};
pub use exports::{Claim, Ending, ExportPage, Group, Lease, Order, OwnedExport, Walk, Walked};
pub use handle::{Db, Read, ReadDb, Role, Work, WorkerDb, Write, WriteDb};
pub use health::Health;
pub use identity::{Identity, Told};
pub use keys::KeptKeys;
pub use logout::Logout;
pub use mails::{Delivery, MailClaim, Mark};
pub use operation::{Change, Effect, IdempotencyKey, Operation, Outcome};
pub use outbox::{Lent, OutboxKey, Waiting};
pub use settings::{Credentials, Settings};
pub use statement::Statement;
pub use tasks::{ListTasks, TOTAL_CAP, Window};
pub use users::{ListUsers, UserPage};
pub use work::Taken;

/// Every statement of this crate, for the test that prepares them all.
pub fn statements() -> Vec<Statement> {
    let mut all = vec![
        audit::HISTORY,
        audit::LIST,
        exports::CLAIM,
        exports::COUNT,
        exports::CREATE,
        exports::FIND,
        exports::FINISH,
        exports::LIST,
        exports::RENEW,
        exports::ROWS,
        health::PING,
        identity::GREET,
        jobs::END,
        jobs::TAKE,
        keys::KEEP,
        keys::KEPT,
        logout::LOG_OUT,
        mails::CLAIM,
        mails::MARK,
        me::GET,
        me::UPDATE,
        outbox::RELAY,
        outbox::WAITING,
        stats::ALL,
        stats::OWNED,
        tasks::CREATE,
        tasks::DELETE,
        tasks::FIND,
        tasks::RESTORE,
        tasks::UPDATE,
        upkeep::EXPIRE_EXPORTS,
        upkeep::PURGE_KEYS,
        upkeep::PURGE_REVOCATIONS,
        upkeep::PURGE_TASKS,
        upkeep::RECOUNT,
        users::LIST,
        users::UPDATE,
        work::COUNT,
        work::WRITE_AUDIT,
    ];
    all.extend(tasks::LISTS);
    all
}
