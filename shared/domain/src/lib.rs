#![doc = include_str!("../README.md")]

pub mod access;
mod day;
pub mod event;
pub mod export;
pub mod history;
pub mod input;
pub mod json;
pub mod listing;
pub mod mail;
mod private;
pub mod stats;
pub mod task;
mod timestamp;
pub mod user;

pub use access::{Permission, Permissions, Role, RoleMap};
pub use day::Day;
pub use export::{Export, NewExport};
pub use input::{FieldError, Fields, Invalid};
pub use private::Private;
pub use task::{NewTask, Priority, Status, Task, TaskPatch, TaskReplacement};
pub use timestamp::Timestamp;
pub use user::{AccountState, Me, MePatch, Notifications, Person, User, UserPatch};
