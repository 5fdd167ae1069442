//! A mail as it was taken.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::parsed;

/// Who sent to whom, as the SMTP conversation had it, and when. What its file keeps beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Envelope {
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) received_at: OffsetDateTime,
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
}

/// A mail that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mail {
    /// Ids of later mails are greater.
    pub id: Uuid,
    /// When it was taken.
    #[serde(with = "time::serde::rfc3339")]
    pub received_at: OffsetDateTime,
    /// The sender of the SMTP conversation; empty for a bounce.
    pub from: String,
    /// The recipients of the SMTP conversation: those of `To`, `Cc` and `Bcc`.
    pub to: Vec<String>,
    /// The decoded subject; empty if there is none.
    pub subject: String,
    /// The `Message-ID` without its angle brackets.
    pub message_id: Option<String>,
    /// The length in bytes.
    pub size: usize,
    /// The mail as it was sent.
    #[serde(skip)]
    pub raw: Arc<[u8]>,
}

impl Mail {
    pub(crate) fn new(id: Uuid, envelope: Envelope, raw: Vec<u8>) -> Self {
        let Envelope { received_at, from, to } = envelope;
        let (subject, message_id) = parsed::summary(&raw);
        Self { id, received_at, from, to, subject, message_id, size: raw.len(), raw: raw.into() }
    }
}
