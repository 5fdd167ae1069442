//! The local cloud.

pub mod lambda;
pub mod template;
