#![doc = include_str!("../README.md")]

mod table;

use route::Entry;

pub use table::{Column, render};

/// Every route, in the order of the table.
pub fn routes() -> Vec<Entry> {
    vec![
        Entry::of::<health::Health>(),
        Entry::of::<tasks_create::TasksCreate>(),
        Entry::of::<tasks_get::TasksGet>(),
        Entry::of::<not_found::NotFound>(),
    ]
}

/// The functions that serve no route.
pub const OTHERS: [&str; 1] = ["migrate"];
