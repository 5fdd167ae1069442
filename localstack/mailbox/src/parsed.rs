//! What is in a mail: headers, texts and attachments.

use mail_parser::{MessageParser, MimeHeaders as _, PartType};
use serde::Serialize;

/// A mail's contents, decoded.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Parsed {
    pub(crate) headers: Vec<HeaderField>,
    /// `null` if there is no part of plain text.
    pub(crate) text: Option<String>,
    /// `null` if there is no part of HTML.
    pub(crate) html: Option<String>,
    pub(crate) attachments: Vec<Attachment>,
}

/// A header as it was sent, on one line.
#[derive(Debug, Serialize)]
pub(crate) struct HeaderField {
    pub(crate) name: String,
    pub(crate) value: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct Attachment {
    pub(crate) name: String,
    pub(crate) content_type: String,
    pub(crate) size: usize,
    #[serde(skip)]
    pub(crate) content: Vec<u8>,
}

/// The subject and the `Message-ID`.
pub(crate) fn summary(raw: &[u8]) -> (String, Option<String>) {
    let Some(message) = MessageParser::new().parse_headers(raw) else { return Default::default() };
    let subject = message.subject().unwrap_or_default().to_owned();
    (subject, message.message_id().map(str::to_owned))
}

pub(crate) fn parse(raw: &[u8]) -> Parsed {
    // Without a header there is nothing to parse; the page still shows the source.
    let Some(message) = MessageParser::new().parse(raw) else { return Parsed::default() };
    let headers = message.headers().iter().map(|header| {
        let value = raw.get(header.offset_start as usize..header.offset_end as usize);
        HeaderField { name: header.name.as_str().to_owned(), value: one_line(value) }
    });
    // The parser makes text of HTML and the reverse: only what was sent is to be seen.
    let text = message.text_bodies().find_map(|part| match &part.body {
        PartType::Text(text) => Some(text.to_string()),
        _ => None,
    });
    let html = message.html_bodies().find_map(|part| match &part.body {
        PartType::Html(html) => Some(html.to_string()),
        _ => None,
    });
    let attachments = message.attachments().enumerate().map(|(index, part)| {
        let content_type = part.content_type().map_or_else(
            || "application/octet-stream".to_owned(),
            |kind| format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or("*")),
        );
        let name = part.attachment_name().filter(|name| !name.is_empty());
        let name = name.map_or_else(|| format!("attachment-{}", index + 1), str::to_owned);
        let content = part.contents().to_vec();
        Attachment { name, content_type, size: content.len(), content }
    });
    Parsed { headers: headers.collect(), text, html, attachments: attachments.collect() }
}

/// A folded header's line breaks stand before white space; they go (RFC 5322, 2.2.3).
fn one_line(value: Option<&[u8]>) -> String {
    let value = String::from_utf8_lossy(value.unwrap_or_default());
    value.replace(['\r', '\n'], "").trim().to_owned()
}
