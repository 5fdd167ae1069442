#![doc = include_str!("../README.md")]

mod facts;
mod line;
mod mail;
mod mailer;
mod outcome;
mod settings;
mod smtp;
mod texts;

pub use mail::Mail;
pub use mailer::Mailer;
pub use outcome::{MailError, Receipt};
