//! What a list of tasks can be asked for: whose, which of them, and in what order.

use crate::input::{Fault, parameter};

mod filter;
mod page;
mod scope;
mod sort;

pub use filter::{Filter, label, labels, priorities, search, statuses};
pub use page::TaskPage;
pub use scope::{Assignee, Scope};
pub use sort::{Key, Position, Sort, SortKey};

/// How many entries a page has, if nobody says.
pub const USUAL_LIMIT: u8 = 10;

/// Reads how many entries a page is to have.
pub fn limit(text: &str) -> Result<u8, Fault> {
    const LARGEST: u32 = 100;
    parameter::number(text, 1..=LARGEST).map(|n| u8::try_from(n).unwrap_or(u8::MAX))
}
