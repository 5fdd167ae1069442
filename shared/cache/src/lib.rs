#![doc = include_str!("../README.md")]

mod breaker;
mod cache;
mod calls;
mod entry;
mod fence;
mod greeting;
mod jitter;
mod known_bad;
mod limit;
mod link;
mod relay;
mod scripts;
mod settings;
mod stale;
mod value;

pub use cache::Cache;
pub use entry::{Entry, Filling, Found, Room, Touch};
pub use fence::{Fence, Written};
pub use greeting::{Bearer, Epoch, Greeting, Standing, Told};
pub use limit::{Limit, Policy, Verdict};
pub use settings::Settings;
pub use stale::Stale;
pub use value::Cached;
