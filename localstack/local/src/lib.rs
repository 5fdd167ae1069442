//! The local cloud.

pub mod gateway;
pub mod lambda;
pub mod template;
