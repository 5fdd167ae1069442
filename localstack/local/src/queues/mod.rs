//! The queues and buckets of the template in LocalStack, and the event source mappings that give a
//! function the messages of a queue.

mod answer;
mod buckets;
mod client;
mod event;
mod intake;
mod mapping;
mod queue;

pub use client::{Error, Queues};
pub use mapping::Mapping;

/// What went wrong, and what was behind it, in one line.
fn words(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
