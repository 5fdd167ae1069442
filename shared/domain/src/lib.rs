#![doc = include_str!("../README.md")]

pub mod access;
pub mod event;
pub mod input;
pub mod json;
mod private;
pub mod task;
mod timestamp;

pub use access::{Permission, Permissions, Role, RoleMap};
pub use input::{FieldError, Fields, Invalid};
pub use private::Private;
pub use task::{NewTask, Priority, Status, Task};
pub use timestamp::Timestamp;
