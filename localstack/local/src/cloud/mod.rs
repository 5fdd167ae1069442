//! The whole local cloud: services, issuer, mail catcher, functions, gateway, queues and schedules.

mod addresses;
mod banner;
mod deployment;
mod functions;
mod home;
mod keeper;
mod neighbours;
mod note;
mod place;
mod reload;
mod running;
mod terminal;
mod watch;

pub use addresses::Addresses;
pub use banner::banner;
pub use functions::{Programs, functions};
pub use home::Home;
pub use neighbours::secrets;
pub use note::Note;
pub use place::{place, settings};
pub use running::Cloud;
pub use terminal::Terminal;

/// What stopped a start, in words that say what to do.
pub(crate) type Failed = Box<dyn std::error::Error + Send + Sync>;
