//! The local cloud.

pub mod lambda;
pub mod queues;
pub mod schedules;
pub mod template;
