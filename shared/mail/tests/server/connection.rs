//! The connection: kept from mail to mail, replaced when it is dead, and never used in clear text.

use config::Deps as _;
use mail::MailError;
use mailbox::{Behaviour, Mailbox, Settings, Step};

use crate::support::{Folder, Server, TIME, bodies, credentials, headers, mail};

#[tokio::test]
async fn a_mail_arrives_as_it_was_written() {
    let server = Server::start();
    server.mailer().send(&mail(), TIME).await.unwrap();
    let arrived = server.only();
    assert_eq!(
        (arrived.from.as_str(), &arrived.to[..]),
        ("tasks@example.com", &["ann@example.com".to_owned()][..])
    );
    assert_eq!(arrived.subject, "Grüße");
    assert_eq!(arrived.message_id.as_deref(), Some("event.user@example.com"));
    let headers = headers(&arrived.raw);
    for (name, value) in [
        ("From", "\"Task manager\" <tasks@example.com>"),
        ("To", "Ann <ann@example.com>"),
        ("X-Request-Id", "request-1"),
    ] {
        assert!(headers.contains(&(name.to_owned(), value.to_owned())), "{name}: {headers:?}");
    }
    let (text, html) = bodies(&arrived.raw);
    assert_eq!(text.replace("\r\n", "\n"), "Hello Ann,\n\n.\nGrüße\n");
    assert_eq!(html, "<p>Hello Ann</p>");
}

#[tokio::test]
async fn the_connection_is_kept() {
    let server = Server::start();
    let mailer = server.mailer();
    mailer.warm_up().await;
    server.refuse(Step::Connect, 421, None);
    for _ in 0..3 {
        mailer.send(&mail(), TIME).await.unwrap();
    }
    assert_eq!(server.mailbox.mails().len(), 3);
}

#[tokio::test]
async fn mails_at_the_same_time_take_turns() {
    let server = Server::start();
    let mailer = server.mailer();
    let (one, two) = (mail(), mail());
    let sent = tokio::join!(mailer.send(&one, TIME), mailer.send(&two, TIME));
    assert!(sent.0.is_ok() && sent.1.is_ok());
    assert_eq!(server.mailbox.mails().len(), 2);
}

#[tokio::test]
async fn a_dead_connection_is_replaced() {
    let mut server = Server::start();
    let mailer = server.mailer();
    mailer.send(&mail(), TIME).await.unwrap();
    server.restart();
    mailer.send(&mail(), TIME).await.unwrap();
    server.only();
}

/// Servers close a connection after so many mails, and say so when the next one begins.
#[tokio::test]
async fn a_connection_that_the_server_closes_is_replaced() {
    let server = Server::start();
    let mailer = server.mailer();
    for step in [Step::Mail, Step::Rcpt] {
        mailer.send(&mail(), TIME).await.unwrap();
        server.refuse(step, 421, Some(1));
        mailer.send(&mail(), TIME).await.unwrap();
    }
    assert_eq!(server.mailbox.mails().len(), 4);
}

#[tokio::test]
async fn a_mail_that_is_given_up_takes_its_connection_along() {
    let server = Server::start();
    let mailer = server.mailer();
    let late = Behaviour { delay_ms: 600_000, delay_at: Step::Data, ..Behaviour::default() };
    server.mailbox.set_behaviour(late).unwrap();
    let sending = tokio::spawn({
        let mailer = mailer.clone();
        async move { mailer.send(&mail(), TIME).await }
    });
    server.something_arrives().await;
    sending.abort();
    assert!(sending.await.unwrap_err().is_cancelled());
    server.mailbox.reset_behaviour();
    mailer.send(&mail(), TIME).await.unwrap();
    assert_eq!(server.mailbox.mails().len(), 2);
}

#[tokio::test]
async fn nothing_is_said_in_clear_text() {
    let mailbox =
        Mailbox::start(Settings { credentials: Some(credentials()), ..Settings::default() });
    let server = Server { mailbox: mailbox.unwrap(), folder: Folder::new() };
    let why = server.mailer().send(&mail(), TIME).await.unwrap_err();
    assert_eq!(why, MailError::Temporary("the mail server offers no STARTTLS".to_owned()));
    assert!(server.mailbox.mails().is_empty());
}

#[tokio::test]
async fn a_stranger_is_not_trusted() {
    let server = Server::start();
    let stranger = Folder::new();
    let file = stranger.file("cert.pem").display().to_string();
    let why = server.mailer_with(&[("SMTP_CA_FILE", &file)]).send(&mail(), TIME).await.unwrap_err();
    assert!(matches!(&why, MailError::Temporary(why) if why.starts_with("no encryption")), "{why}");
    let public = server.mailer_with(&[("SMTP_CA_FILE", "")]).send(&mail(), TIME).await.unwrap_err();
    assert_eq!(public, why);
}

#[tokio::test]
async fn a_dry_run_sends_nothing() {
    let server = Server::start();
    let receipt =
        server.mailer_with(&[("MAIL_TRANSPORT", "log")]).send(&mail(), TIME).await.unwrap();
    assert_eq!(receipt.id, None);
    assert!(server.mailbox.mails().is_empty());
}
