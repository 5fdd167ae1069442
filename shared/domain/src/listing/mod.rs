//! What a list of tasks can be asked for: whose, which of them, and in what order.

mod filter;
mod scope;
mod sort;

pub use filter::{Filter, label, labels, priorities, search, statuses};
pub use scope::{Assignee, Scope};
pub use sort::{Key, Position, Sort, SortKey};
