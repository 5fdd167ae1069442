#![doc = include_str!("../README.md")]

mod error;
mod files;
mod upload;

pub use error::StorageError;
pub use files::{Files, Head};
pub use upload::Upload;
