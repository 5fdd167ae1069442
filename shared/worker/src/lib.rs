#![doc = include_str!("../README.md")]

mod app;
mod batch;
mod entry;
mod job;
mod message;
mod serve;
mod spec;
mod worker;

pub use entry::{Entry, Function, JobEntry, Prepare};
pub use job::{Job, JobCx};
pub use message::{Event, Unreadable};
pub use serve::{serve, serve_job};
pub use spec::{JobSpec, Schedule, Spec};
pub use worker::{Cx, Failure, Worker};
