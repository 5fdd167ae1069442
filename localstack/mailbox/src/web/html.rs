//! The frame of a page, and text in it.

use std::fmt::{Display, Formatter, Result, Write as _};

use axum::response::Html;
use time::OffsetDateTime;
use time::macros::format_description;

/// Text that HTML shows as it is, also within an attribute's quotes.
pub(super) struct Text<T>(pub(super) T);

impl<T: Display> Display for Text<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        for character in self.0.to_string().chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

/// A whole page. `head` and `body` are HTML, `title` is text.
pub(super) fn page(title: &str, head: &str, body: &str) -> Html<String> {
    let title = Text(title);
    Html(format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="stylesheet" href="/style.css">
{head}</head>
<body>
{body}</body>
</html>
"#
    ))
}

/// `2026-11-23 06:03:46`, in UTC.
pub(super) fn time(at: OffsetDateTime) -> String {
    let shape = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
    at.format(&shape).unwrap_or_default()
}

/// `312 bytes`, `4.2 kB`, `1.5 MB`.
pub(super) fn size(bytes: usize) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{}.{} kB", bytes / 1_000, bytes % 1_000 / 100),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
    }
}
