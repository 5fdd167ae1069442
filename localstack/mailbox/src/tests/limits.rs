//! How much it takes.

use super::{Sender, start, subjects};
use crate::smtp::{MAX_CONNECTIONS, MAX_MAIL};

/// So many bytes in lines of 64.
fn lines(bytes: usize) -> Vec<u8> {
    let mut mail = format!("{}\r\n", "x".repeat(62)).repeat(bytes / 64 + 1).into_bytes();
    mail.truncate(bytes - 2);
    mail.extend_from_slice(b"\r\n");
    mail
}

#[tokio::test]
async fn a_mail_may_have_10_mib_and_not_a_byte_more() {
    let mailbox = start();
    let mut sender = Sender::hello(&mailbox).await;
    assert!(sender.mail(lines(MAX_MAIL)).await.starts_with("250 "));
    assert!(sender.mail(lines(MAX_MAIL + 1)).await.starts_with("552 "));
    sender.must(&format!("MAIL FROM:<app@example.org> SIZE={}", MAX_MAIL + 1), "552 ").await;
    sender.must(&format!("MAIL FROM:<app@example.org> SIZE={MAX_MAIL}"), "250 ").await;
    let sizes: Vec<usize> = mailbox.mails().iter().map(|mail| mail.size).collect();
    assert_eq!(sizes, [MAX_MAIL]);
}

#[tokio::test]
async fn a_line_may_have_998_characters() {
    let mailbox = start();
    let mut sender = Sender::hello(&mailbox).await;
    let line = |length| format!("Subject: one\r\n\r\n{}\r\n", "x".repeat(length));
    assert!(sender.mail(line(998)).await.starts_with("250 "));
    assert!(sender.mail(line(999)).await.starts_with("554 "));
    assert!(sender.mail(line(1_000_000)).await.starts_with("554 "));
    sender.must(&"x".repeat(1_000_000), "500 5.5.2").await;
    sender.must("NOOP", "250 ").await;
    assert_eq!(subjects(&mailbox), ["one"]);
}

#[tokio::test]
async fn a_mail_may_have_100_recipients() {
    let mailbox = start();
    let mut sender = Sender::hello(&mailbox).await;
    sender.must("MAIL FROM:<app@example.org>", "250 ").await;
    for number in 0..100 {
        sender.must(&format!("RCPT TO:<p{number}@example.org>"), "250 ").await;
    }
    sender.must("RCPT TO:<p100@example.org>", "452 ").await;
    sender.must("DATA", "354 ").await;
    sender.must(".", "250 ").await;
    assert_eq!(mailbox.mails()[0].to.len(), 100);
}

#[tokio::test]
async fn a_connection_too_many_is_turned_away() {
    let mailbox = start();
    let mut senders = Vec::new();
    for _ in 0..MAX_CONNECTIONS {
        senders.push(Sender::hello(&mailbox).await);
    }
    let mut surplus = Sender::connect(&mailbox).await;
    assert!(surplus.reply().await.starts_with("421 "));
    assert!(surplus.is_over().await);
    // Goodbye is said before the place is free, so the next one may have to try again.
    senders.pop().unwrap().must("QUIT", "221 ").await;
    while !Sender::connect(&mailbox).await.reply().await.starts_with("220 ") {}
}
