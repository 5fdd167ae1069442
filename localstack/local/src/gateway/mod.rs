//! Plays API Gateway: an HTTP API with Lambda behind it, payload format 2.0.

mod answer;
mod cors;
mod event;
mod routes;
mod server;

pub use event::Origin;
pub use routes::{Found, Routes};
pub use server::{Gateway, Settings};
