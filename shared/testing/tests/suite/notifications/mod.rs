//! Mails: who is told of what, once, and what becomes of them when something fails.

mod faults;
mod house;
mod readers;
mod twice;
mod vetoes;
