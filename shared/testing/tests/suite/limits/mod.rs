//! Limits: who is one caller, what a limit lets through, and what it says.

mod addresses;
mod exact;
mod headers;
mod meter;
mod order;
