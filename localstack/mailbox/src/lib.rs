#![doc = include_str!("../README.md")]

mod behaviour;
pub mod cli;
mod files;
mod mail;
mod mailbox;
mod parsed;
mod settings;
mod shared;
mod smtp;
mod store;
mod tls;
mod web;

#[cfg(test)]
mod tests;

pub use behaviour::{Behaviour, BehaviourError, Failure, Step};
pub use mail::Mail;
pub use mailbox::Mailbox;
pub use settings::{Credentials, Error, Settings, TlsFiles};
