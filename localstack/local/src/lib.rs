//! The local cloud.

pub mod cli;
pub mod cloud;
pub mod gateway;
pub mod lambda;
pub mod template;
