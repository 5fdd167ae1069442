//! X16: whatever happens to Redis, no answer is wrong and none fails, and what is fast comes back by itself.

pub(crate) mod breakable;
pub(crate) mod history;
pub(crate) mod load;
mod losses;
mod outages;
mod poison;
mod processes;
pub(crate) mod recovery;
mod stampede;

/// Tells how much was done.
fn counted(operations: usize) {
    crate::support::say(&format!("X16: {operations} operations"));
}
