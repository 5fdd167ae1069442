#![doc = include_str!("../README.md")]

mod request_line;
mod start;
mod tally;
mod work_line;

pub use request_line::RequestLine;
pub use start::{start, subscriber};
pub use tally::{Tally, counted, tally};
pub use work_line::{JobLine, WorkLine};

/// The name under which our own lines are written; everything else is a library's.
pub const TARGET: &str = "app";
