//! Mails on their way to a real mail server, which is the mail catcher.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on ends, and says where"
)]

mod connection;
mod injection;
mod refusals;
mod support;
