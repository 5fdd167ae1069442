//! What comes after `DATA`.

use super::MAX_MAIL;
use super::lines::{Gone, Lines};

/// RFC 5322, 2.1.1: 998 characters and the line's end. Mail servers refuse or break longer lines.
const MAX_LINE: usize = 1_000;

#[derive(Debug)]
pub(super) enum Content {
    Whole(Vec<u8>),
    TooBig,
    LineTooLong,
}

/// Reads to the end of the mail, also of one that will be refused, and undoes dot-stuffing.
///
/// Only CR LF ends a line here. Servers that take a lone LF for one can be made to see the end of
/// a mail, and commands after it, inside another mail ("SMTP smuggling").
pub(super) async fn read(lines: &mut Lines) -> Result<Content, Gone> {
    let mut content = Vec::new();
    let mut fault = None;
    let mut at_start = true;
    loop {
        let line = lines.next(MAX_LINE).await?;
        let mut bytes = lines.bytes();
        if at_start && !line.too_long {
            if bytes == b".\r\n" {
                return Ok(fault.unwrap_or(Content::Whole(content)));
            }
            bytes = bytes.strip_prefix(b".").unwrap_or(bytes);
        }
        at_start = line.crlf;
        if line.too_long {
            fault.get_or_insert(Content::LineTooLong);
        } else if content.len() + bytes.len() > MAX_MAIL {
            fault.get_or_insert(Content::TooBig);
        }
        if fault.is_some() {
            content = Vec::new();
        } else {
            content.extend_from_slice(bytes);
        }
    }
}
