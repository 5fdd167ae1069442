//! Everything that is proved on the real services.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on ends, and says where"
)]

mod bad_input;
mod cases;
mod cluster;
mod credentials;
mod database;
mod events;
mod idempotency;
mod logs;
mod matrix;
mod migrations;
mod outage;
mod pipeline;
mod processes;
mod proxy;
mod races;
mod retries;
mod rights;
mod round_trips;
mod support;
mod tokens;
