//! Processes that die at the worst moment, a queue that stands still, messages that come six times: and yet
//! one commit is one event, and one event has one effect.
//!
//! Each process is killed five times; `make chaos` says thirty.

mod api_killed;
mod frozen;
mod often;
mod poison;
mod relay_killed;
mod together;
mod workers_killed;
mod world;

use config::Env;

/// How often each kind of process is killed.
fn kills() -> usize {
    const FEW: usize = 5;
    Env::load().expect("an environment").or("CHAOS_KILLS", FEW).expect("a number")
}
