#![doc = include_str!("../README.md")]

pub mod defaults;
mod deps;
mod dotenv;
mod env;
mod secrets;
mod stage;

pub use deps::{Deps, Need, Start};
pub use env::{ConfigError, Env};
pub use secrecy::{ExposeSecret, SecretString};
pub use secrets::{SecretError, SecretRef, Secrets};
pub use stage::Stage;
