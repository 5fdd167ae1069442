//! A mail, and its form on the wire.

use std::time::SystemTime;

use domain::Private;
use lettre::Message;
use lettre::address::{Address, Envelope};
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};

use crate::line::one_line;

/// A mail to one reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The address.
    pub to: Private<String>,
    /// What the reader is called.
    pub name: Private<String>,
    /// The subject.
    pub subject: Private<String>,
    /// What it says, for programs that show text.
    pub text: Private<String>,
    /// The same for those that show HTML.
    pub html: Private<String>,
    /// What tells it from all others, without brackets; a mail that comes twice has the same.
    pub message_id: String,
    /// Further headers.
    pub headers: Vec<(&'static str, String)>,
}

/// A mail as the server takes it.
pub(crate) struct Sealed {
    pub(crate) envelope: Envelope,
    pub(crate) bytes: Vec<u8>,
}

impl Mail {
    /// The mail on the wire, or why it can be sent to nobody. What could end a header's line is gone, or
    /// the mail is refused.
    pub(crate) fn seal(&self, from: &Mailbox, at: SystemTime) -> Result<Sealed, String> {
        let to = address(self.to.expose()).ok_or("the address is none")?;
        let name = one_line(self.name.expose());
        let mut message = Message::builder()
            .from(from.clone())
            .to(Mailbox::new(Some(name).filter(|name| !name.is_empty()), to))
            .subject(one_line(self.subject.expose()))
            .message_id(Some(format!("<{}>", one_line(&self.message_id))))
            .date(at)
            .multipart(MultiPart::alternative_plain_html(
                self.text.expose().clone(),
                self.html.expose().clone(),
            ))
            .map_err(|_| "the mail cannot be put together")?;
        for (name, value) in &self.headers {
            let name = HeaderName::new_from_ascii((*name).to_owned())
                .map_err(|_| format!("{name} cannot name a header"))?;
            message.headers_mut().insert_raw(HeaderValue::new(name, one_line(value)));
        }
        Ok(Sealed { envelope: message.envelope().clone(), bytes: message.formatted() })
    }
}

/// An address that is nothing else: an SMTP command and a header can hold it as it is.
fn address(text: &str) -> Option<Address> {
    let odd = |c: char| c.is_control() || c.is_whitespace() || matches!(c, '<' | '>' | '"' | ',');
    if text.contains(odd) { None } else { text.parse().ok() }
}
