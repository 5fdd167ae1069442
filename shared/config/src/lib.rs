#![doc = include_str!("../README.md")]

pub mod defaults;
mod dotenv;
mod env;
mod secrets;
mod stage;

pub use env::{ConfigError, Env};
pub use secrecy::{ExposeSecret, SecretString};
pub use secrets::{SecretError, SecretRef, Secrets};
pub use stage::Stage;
