//! The local cloud.

pub mod template;
