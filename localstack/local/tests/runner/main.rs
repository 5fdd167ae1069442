//! The runner's tests: real processes of the probe, real connections, a real LocalStack.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on ends, and says where"
)]

mod events;
mod gateway;
mod lambda;
mod queues;
mod schedules;
mod support;
