//! The list, and what is around it.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::State;
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use http::{StatusCode, header};

use super::change;
use super::html::{Text, page, time};
use crate::behaviour::Behaviour;
use crate::mail::Mail;
use crate::shared::Shared;
use crate::store::MAX_MAILS;

type Shares = State<Arc<Shared>>;

pub(super) async fn list(State(shared): Shares) -> Html<String> {
    let mails = shared.store.list();
    let behaviour = notice(&shared.behaviours.get());
    let smtp = shared.smtp;
    let content = if mails.is_empty() { welcome(&shared) } else { table(&mails) };
    let delete = if mails.is_empty() { "" } else { DELETE_ALL };
    let body = format!(
        r#"<header>
<h1><a href="/">Mailbox</a></h1>
<p>takes mail at <code>{smtp}</code></p>
{delete}</header>
<main>
{behaviour}{content}</main>
<footer>Looks for new mail every 5 seconds. The newest {MAX_MAILS} mails are kept, older ones are removed.</footer>
"#
    );
    let count = mails.len();
    page(&format!("Mailbox ({count})"), "<meta http-equiv=\"refresh\" content=\"5\">\n", &body)
}

const DELETE_ALL: &str = r#"<form method="post" action="/delete-all"><button class="danger">Delete all</button></form>
"#;

fn table(mails: &[Arc<Mail>]) -> String {
    let mut rows = String::new();
    for mail in mails {
        let id = mail.id;
        let (at, from, to) = (time(mail.received_at), sender(mail), recipients(mail));
        let subject = subject(mail);
        // Writing to a string does not fail.
        let _ = writeln!(
            rows,
            r#"<tr><td class="time">{at}</td><td>{from}</td><td>{to}</td><td class="subject"><a href="/messages/{id}">{subject}</a></td></tr>"#
        );
    }
    format!(
        r#"<div class="scroll"><table class="list">
<thead><tr><th>Time (UTC)</th><th>From</th><th>To</th><th>Subject</th></tr></thead>
<tbody>
{rows}</tbody>
</table></div>
"#
    )
}

/// What to do when there is nothing to see.
fn welcome(shared: &Shared) -> String {
    let smtp = shared.smtp;
    let sign_in = match (&shared.credentials, &shared.tls) {
        (Some(_), Some(_)) => "It wants STARTTLS, and then the name and the password.",
        (Some(_), None) => "It wants the name and the password that it was started with.",
        (None, Some(_)) => "It needs no password and offers STARTTLS.",
        (None, None) => "It needs no password and no TLS.",
    };
    format!(
        r#"<section class="empty">
<h2>No mail yet</h2>
<p>Let your program send its mail to the SMTP server <code>{smtp}</code>. {sign_in}
Every mail ends up here, whoever it is for; nothing leaves this machine.</p>
</section>
"#
    )
}

fn notice(behaviour: &Behaviour) -> String {
    if *behaviour == Behaviour::default() {
        return String::new();
    }
    let json = serde_json::to_string(behaviour).unwrap_or_default();
    let json = Text(json);
    format!(
        r#"<section class="notice">
<p>The mail server misbehaves because a test asked for it: <code>{json}</code></p>
<form method="post" action="/behave"><button>Behave normally</button></form>
</section>
"#
    )
}

pub(super) fn subject(mail: &Mail) -> Text<&str> {
    Text(if mail.subject.trim().is_empty() { "(no subject)" } else { &mail.subject })
}

pub(super) fn sender(mail: &Mail) -> Text<&str> {
    Text(if mail.from.is_empty() { "<> (a bounce)" } else { &mail.from })
}

pub(super) fn recipients(mail: &Mail) -> Text<String> {
    Text(mail.to.join(", "))
}

pub(super) async fn delete_all(State(shared): Shares) -> Response {
    match change(&shared, crate::store::Store::clear).await {
        Ok(()) => Redirect::to("/").into_response(),
        Err(error) => broken(&error),
    }
}

pub(super) async fn behave(State(shared): Shares) -> Redirect {
    shared.behaviours.reset();
    Redirect::to("/")
}

pub(super) async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css")], include_str!("style.css")).into_response()
}

pub(super) async fn unknown() -> Response {
    note(StatusCode::NOT_FOUND, "Not here", "There is no such page, or the mail was deleted.")
}

pub(super) fn broken(error: &std::io::Error) -> Response {
    let reason = format!("The folder of the mails: {error}");
    note(StatusCode::INTERNAL_SERVER_ERROR, "That did not work", &reason)
}

fn note(status: StatusCode, title: &str, reason: &str) -> Response {
    let body = format!(
        r#"<header>
<h1><a href="/">Mailbox</a></h1>
</header>
<main><section class="empty">
<h2>{title}</h2>
<p>{reason}</p>
<p><a href="/">All mails</a></p>
</section></main>
"#,
        title = Text(title),
        reason = Text(reason),
    );
    (status, page(title, "", &body)).into_response()
}
