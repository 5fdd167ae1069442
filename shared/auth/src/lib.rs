#![doc = include_str!("../README.md")]

mod algorithm;
mod bearer;
mod caller;
mod claims;
mod fetch;
mod jwk;
mod keys;
mod logout;
mod refusal;
mod settings;
mod shelf;
mod state;
mod store;
mod token;
mod verifier;

#[cfg(test)]
mod tests;

pub use algorithm::Alg;
pub use caller::Caller;
pub use keys::{KeySet, NotKeys};
pub use logout::Logout;
pub use refusal::{Reason, Refusal};
pub use settings::{Settings, SettingsError};
pub use shelf::{KeyShelf, Shelved};
pub use verifier::{Verifier, judge, judge_logout};

/// The name under which our own lines are written; everything else is a library's.
const TARGET: &str = "app";
