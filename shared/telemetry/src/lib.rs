#![doc = include_str!("../README.md")]

mod request_line;
mod start;
mod tally;

pub use request_line::RequestLine;
pub use start::{start, subscriber};
pub use tally::{Tally, counted, tally};

/// The name under which our own lines are written; everything else is a library's.
pub const TARGET: &str = "app";
