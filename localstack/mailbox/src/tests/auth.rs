//! Who may send.

use base64::prelude::{BASE64_STANDARD, Engine as _};

use super::{Sender, ann, start};
use crate::{Mailbox, Settings};

fn locked() -> Mailbox {
    Mailbox::start(Settings { credentials: Some(ann()), ..Settings::default() }).unwrap()
}

fn base64(text: &str) -> String {
    BASE64_STANDARD.encode(text)
}

#[tokio::test]
async fn every_way_to_sign_in_lets_mail_through() {
    let mailbox = locked();
    let plain = base64("\0ann\0secret");
    let (name, password) = (base64("ann"), base64("secret"));
    let conversations: [&[(&str, &str)]; 4] = [
        &[(&format!("AUTH PLAIN {plain}"), "235 ")],
        &[("AUTH PLAIN", "334 \r\n"), (&plain, "235 ")],
        &[(&format!("AUTH LOGIN {name}"), "334 UGFzc3dvcmQ6"), (&password, "235 ")],
        &[("auth login", "334 VXNlcm5hbWU6"), (&name, "334 UGFzc3dvcmQ6"), (&password, "235 ")],
    ];
    for conversation in conversations {
        let mut sender = Sender::hello(&mailbox).await;
        assert!(sender.say("EHLO test").await.contains("250-AUTH PLAIN LOGIN\r\n"));
        sender.must("MAIL FROM:<app@example.org>", "530 ").await;
        for (line, code) in conversation {
            sender.must(line, code).await;
        }
        sender.must("AUTH LOGIN", "503 ").await;
        assert!(sender.mail("Subject: one\r\n\r\n").await.starts_with("250 "));
    }
    assert_eq!(mailbox.mails().len(), 4);
}

#[tokio::test]
async fn nobody_else_signs_in() {
    let mailbox = locked();
    let mut sender = Sender::connect(&mailbox).await;
    sender.reply().await;
    sender.must(&format!("AUTH PLAIN {}", base64("\0ann\0secret")), "503 ").await;
    sender.must("EHLO test", "250-").await;
    for (response, code) in [
        (base64("\0ann\0wrong"), "535 "),
        (base64("\0bob\0secret"), "535 "),
        (base64("\0\0"), "535 "),
        (base64("ann\0secret"), "501 "),
        (base64("\0ann\0secret\0more"), "501 "),
        ("=".to_owned(), "501 "),
        ("no base64".to_owned(), "501 "),
    ] {
        sender.must(&format!("AUTH PLAIN {response}"), code).await;
    }
    sender.must("AUTH LOGIN", "334 ").await;
    sender.must("*", "501 ").await;
    sender.must("AUTH CRAM-MD5", "504 ").await;
    sender.must("MAIL FROM:<app@example.org>", "530 ").await;
    assert!(mailbox.mails().is_empty());
}

#[tokio::test]
async fn without_a_password_nobody_is_asked() {
    let mailbox = start();
    let mut sender = Sender::hello(&mailbox).await;
    assert!(!sender.say("EHLO test").await.contains("AUTH"));
}
