//! What came of a mail. The words quote nothing but codes: servers like to repeat addresses.

use std::error::Error as _;

use lettre::transport::smtp::Error;
use lettre::transport::smtp::response::Response;

/// The longest name of a mail that is kept.
const LONGEST_ID: usize = 128;

/// The server closes the connection, whatever was asked.
const CLOSING: u16 = 421;

/// The server took the mail: it said 250 after its last line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// What the server calls it.
    pub id: Option<String>,
}

/// Why a mail was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// It may be taken later: the server is busy or cannot be reached, or our settings are at fault.
    #[error("{0}")]
    Temporary(String),
    /// This mail, or a mail to this reader, will never be taken.
    #[error("{0}")]
    Permanent(String),
}

/// A step of the conversation that failed.
pub(crate) struct Refusal {
    /// The server's code; none if there was no answer.
    code: Option<u16>,
    words: String,
}

impl Receipt {
    /// What servers say differs; most end with the name that they gave the mail.
    pub(crate) fn of(response: &Response) -> Self {
        let last = response.first_line().and_then(|line| line.split_whitespace().last());
        let id = last.filter(|id| id.len() <= LONGEST_ID && !id.contains('@'));
        Self { id: id.map(str::to_owned) }
    }
}

impl Refusal {
    pub(crate) fn of(error: &Error) -> Self {
        let Some(code) = error.status().map(u16::from) else {
            let words = if error.is_tls() { "TLS failed" } else { "the connection broke" };
            return Self { code: None, words: words.to_owned() };
        };
        let said = error.source().map(ToString::to_string).unwrap_or_default();
        let words = match said.split_whitespace().next().filter(|word| is_enhanced_code(word)) {
            Some(enhanced) => format!("{code} {enhanced}"),
            None => code.to_string(),
        };
        Self { code: Some(code), words }
    }

    /// The server lacks something that this mail needs.
    pub(crate) fn unable(why: &str) -> Self {
        Self { code: Some(553), words: why.to_owned() }
    }

    /// Whether it is the connection that failed, and not what was said on it.
    pub(crate) fn is_of_connection(&self) -> bool {
        self.code.is_none_or(|code| code == CLOSING)
    }

    /// A refusal that says nothing of the mail: another day, or with other settings, it is taken.
    pub(crate) fn of_server(self, what: &str) -> MailError {
        MailError::Temporary(format!("{what}: {}", self.words))
    }

    /// A refusal of the mail or of its reader.
    pub(crate) fn of_mail(self, what: &str) -> MailError {
        let why = format!("{what}: {}", self.words);
        if self.code.is_some_and(|code| code >= 500) {
            MailError::Permanent(why)
        } else {
            MailError::Temporary(why)
        }
    }
}

/// `5.1.1` and its like (RFC 3463).
fn is_enhanced_code(word: &str) -> bool {
    let parts: Vec<_> = word.split('.').collect();
    let numbers = |part: &&str| !part.is_empty() && part.len() <= 3 && part.parse::<u16>().is_ok();
    parts.len() == 3 && parts.iter().all(numbers)
}
