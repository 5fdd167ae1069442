#![doc = include_str!("../README.md")]

mod backchannel;
pub mod cli;
mod client;
mod grants;
mod http;
mod issuer;
mod keys;
mod mappers;
mod person;
mod realm;
mod refusal;
mod scopes;
mod sessions;
mod state;
mod tokens;

#[cfg(test)]
mod tests;

pub use issuer::{Issuer, StartError};
pub use keys::Alg;
pub use person::Person;
pub use realm::{Realm, RealmError};
