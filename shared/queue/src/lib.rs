#![doc = include_str!("../README.md")]

pub mod desk;
mod letters;
mod outbox;
mod queues;
mod sqs;

pub use letters::Letters;
pub use outbox::Outbox;
pub use queues::{Outgoing, Queues};
