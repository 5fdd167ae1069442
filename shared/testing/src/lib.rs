#![doc = include_str!("../README.md")]
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on ends, and says where"
)]

mod app;
mod backstage;
mod caller;
mod database;
mod files;
mod fleet;
mod log;
mod over_http;
mod proxy;
mod random;
mod reply;
mod rig;
mod router;
mod stage;

pub use app::{Setup, TestApp};
pub use caller::{Call, Caller};
pub use database::TestDatabase;
pub use files::{BUCKET, Fetched, fetch};
pub use fleet::Fleet;
pub use log::{anything_holds, lines_of};
pub use over_http::{is_wanted as goes_over_http, sent_over_http};
pub use proxy::Proxy;
pub use random::Random;
pub use reply::Reply;
pub use rig::{Rig, own_issuer, rig};
pub use stage::{Scene, Stage};
