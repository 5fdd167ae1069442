//! One mail.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use http::{HeaderName, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use uuid::Uuid;

use super::html::{Text, page, size, time};
use super::pages::{broken, recipients, sender, subject, unknown};
use super::{change, find, parse};
use crate::mail::Mail;
use crate::parsed::Parsed;
use crate::shared::Shared;

type Shares = State<Arc<Shared>>;

/// A mail's HTML is a stranger's: nothing runs, nothing is loaded and nothing is told to anybody.
/// Links open in a tab of their own.
const POLICY: &str = "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; \
                      style-src 'unsafe-inline'; img-src data:; font-src data:; \
                      form-action 'none'; base-uri 'none'; frame-ancestors 'self'";

pub(super) async fn show(State(shared): Shares, Path(id): Path<String>) -> Response {
    let Some(mail) = find(&shared, &id) else { return unknown().await };
    let parsed = parse(&mail).await;
    let id = mail.id;
    let body = format!(
        r#"<header>
<h1><a href="/">Mailbox</a></h1>
<p><a href="/">All mails</a></p>
<form method="post" action="/messages/{id}/delete"><button class="danger">Delete</button></form>
</header>
<main>
<h2>{subject}</h2>
<dl>
<dt>From</dt><dd>{from}</dd>
<dt>To</dt><dd>{to}</dd>
<dt>Time</dt><dd>{at} UTC</dd>
<dt>Size</dt><dd>{size} · <a href="/messages/{id}/raw">source</a></dd>
</dl>
{contents}</main>
"#,
        subject = subject(&mail),
        from = sender(&mail),
        to = recipients(&mail),
        at = time(mail.received_at),
        size = size(mail.size),
        contents = contents(id, &parsed),
    );
    page(&mail.subject, "", &body).into_response()
}

fn contents(id: Uuid, parsed: &Parsed) -> String {
    let mut html = String::new();
    if parsed.html.is_some() {
        // Browsers that know no CSP `sandbox` know the attribute.
        html.push_str(&section("HTML", &format!(
            r#"<iframe sandbox="allow-popups allow-popups-to-escape-sandbox" src="/messages/{id}/html" title="The mail's HTML"></iframe>"#
        )));
    }
    if let Some(text) = &parsed.text {
        html.push_str(&section("Text", &format!("<pre>{}</pre>", Text(text))));
    }
    if !parsed.attachments.is_empty() {
        html.push_str(&section("Attachments", &attachments(id, parsed)));
    }
    if parsed.headers.is_empty() {
        let source =
            format!(r#"<p>There is only the <a href="/messages/{id}/raw">source</a>.</p>"#);
        html.push_str(&section("Not a mail that can be read", &source));
    } else {
        html.push_str(&section("Headers", &headers(parsed)));
    }
    html
}

fn section(title: &str, content: &str) -> String {
    format!("<section>\n<h3>{title}</h3>\n{content}\n</section>\n")
}

fn attachments(id: Uuid, parsed: &Parsed) -> String {
    let mut items = String::new();
    for (number, attachment) in parsed.attachments.iter().enumerate() {
        let (name, kind) = (Text(&attachment.name), Text(&attachment.content_type));
        let size = size(attachment.size);
        // Writing to a string does not fail.
        let _ = writeln!(
            items,
            r#"<li><a href="/messages/{id}/attachments/{number}">{name}</a> <small>{kind}, {size}</small></li>"#
        );
    }
    format!("<ul>\n{items}</ul>")
}

fn headers(parsed: &Parsed) -> String {
    let mut rows = String::new();
    for field in &parsed.headers {
        let (name, value) = (Text(&field.name), Text(&field.value));
        let _ = writeln!(rows, "<tr><th>{name}</th><td>{value}</td></tr>");
    }
    format!("<div class=\"scroll\"><table class=\"headers\"><tbody>\n{rows}</tbody></table></div>")
}

pub(super) async fn html(State(shared): Shares, Path(id): Path<String>) -> Response {
    let Some(mail) = find(&shared, &id) else { return unknown().await };
    let Some(html) = parse(&mail).await.html else { return unknown().await };
    // A document type that the mail brings is then ignored, as mail programs do.
    let html = format!("<!doctype html><base target=\"_blank\">{html}");
    let kind = "text/html; charset=utf-8";
    ([(header::CONTENT_TYPE, kind), (header::CONTENT_SECURITY_POLICY, POLICY)], html)
        .into_response()
}

pub(super) async fn raw(State(shared): Shares, Path(id): Path<String>) -> Response {
    let Some(mail) = find(&shared, &id) else { return unknown().await };
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], mail.raw.to_vec()).into_response()
}

pub(super) async fn attachment(
    State(shared): Shares,
    Path((id, number)): Path<(String, String)>,
) -> Response {
    let Some(mail) = find(&shared, &id) else { return unknown().await };
    let attachments = parse(&mail).await.attachments;
    let wanted = number.parse().ok().and_then(|number: usize| attachments.into_iter().nth(number));
    let Some(attachment) = wanted else { return unknown().await };
    // Always a download and of no type: a browser must not run a stranger's file on this origin.
    let name = utf8_percent_encode(&attachment.name, NON_ALPHANUMERIC);
    let disposition = format!("attachment; filename*=UTF-8''{name}");
    let headers: [(HeaderName, String); 2] = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    (headers, attachment.content).into_response()
}

pub(super) async fn delete(State(shared): Shares, Path(id): Path<String>) -> Response {
    let Some(id) = find(&shared, &id).map(|mail: Arc<Mail>| mail.id) else {
        return unknown().await;
    };
    match change(&shared, move |store| store.remove(id)).await {
        Ok(_) => Redirect::to("/").into_response(),
        Err(error) => broken(&error),
    }
}
