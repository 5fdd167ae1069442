//! Senders that do it wrong, or that are none.

use super::{Sender, start, subjects};

#[tokio::test]
async fn commands_out_of_order_are_refused() {
    let mailbox = start();
    let mut sender = Sender::connect(&mailbox).await;
    sender.reply().await;
    sender.must("MAIL FROM:<app@example.org>", "503 ").await;
    sender.must("EHLO test", "250-").await;
    sender.must("RCPT TO:<ann@example.org>", "503 ").await;
    sender.must("DATA", "503 ").await;
    sender.must("MAIL FROM:<app@example.org>", "250 ").await;
    sender.must("MAIL FROM:<app@example.org>", "503 ").await;
    sender.must("DATA", "503 ").await;
    assert!(sender.mail_after_reset().await.starts_with("250 "), "it still takes mail");
}

#[tokio::test]
async fn commands_that_are_wrong_get_the_code_that_says_so() {
    let mailbox = start();
    let mut sender = Sender::hello(&mailbox).await;
    for (line, code) in [
        ("", "500 "),
        ("HELLO test", "500 "),
        ("NOOP \u{7}", "500 "),
        ("EHLO", "501 "),
        ("MAIL app@example.org", "501 "),
        ("MAIL FROM:<not an address>", "501 "),
        ("MAIL FROM:<app@example.org> SIZE=much", "501 "),
        ("MAIL FROM:<app@example.org> BODY=BINARYMIME", "555 "),
        ("MAIL FROM:<app@example.org> RET=FULL", "555 "),
        ("MAIL FROM:<app@example.org> COLOUR=RED", "555 "),
        ("BDAT 10 LAST", "502 "),
        ("STARTTLS", "502 "),
        ("AUTH PLAIN AGFubgBzZWNyZXQ=", "502 "),
        ("MAIL FROM:<app@example.org>", "250 "),
        ("RCPT TO:<>", "501 "),
        ("RCPT TO:<ann@example.org> NOTIFY=NEVER", "555 "),
    ] {
        sender.must(line, code).await;
    }
    assert!(sender.mail_after_reset().await.starts_with("250 "), "it still takes mail");
}

/// A sender that lets a user write `LF . LF` must not have smuggled a second mail into the first.
#[tokio::test]
async fn only_cr_lf_ends_a_mail() {
    for end in ["\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r"] {
        let mailbox = start();
        let mut sender = Sender::hello(&mailbox).await;
        let second = "MAIL FROM:<evil@example.org>\r\nRCPT TO:<ann@example.org>\r\nDATA\r\n";
        let mail = format!("Subject: one\r\n\r\ntext{end}{second}Subject: evil\r\n");
        let reply = sender.mail(mail).await;
        assert!(reply.starts_with("250 2.0.0 stored"), "{end:?} got {reply:?}");
        sender.must("QUIT", "221 ").await;
        assert_eq!(subjects(&mailbox), ["one"], "{end:?}");
    }
}

#[tokio::test]
async fn garbage_ends_its_own_connection_only() {
    let mailbox = start();
    let mut bystander = Sender::hello(&mailbox).await;
    let every_byte: Vec<u8> = (0..=u8::MAX).collect();
    let garbage: [&[u8]; 5] = [
        &every_byte.repeat(1_000),
        &b"\0".repeat(100_000),
        &b"\n".repeat(1_000),
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ];
    for bytes in garbage {
        let mut sender = Sender::connect(&mailbox).await;
        // The server may have hung up before it was all written.
        let _ = tokio::io::AsyncWriteExt::write_all(&mut sender.0, bytes).await;
    }
    assert!(bystander.mail("Subject: one\r\n\r\n").await.starts_with("250 "));
    let mut next = Sender::hello(&mailbox).await;
    assert!(next.mail("Subject: two\r\n\r\n").await.starts_with("250 "));
    assert_eq!(subjects(&mailbox), ["two", "one"]);
}

#[tokio::test]
async fn a_mail_may_be_garbage() {
    let mailbox = start();
    let mut sender = Sender::hello(&mailbox).await;
    let every_byte: Vec<u8> = (0..=u8::MAX).collect();
    let garbage: Vec<u8> = every_byte.repeat(100).into_iter().chain(*b"\r\n").collect();
    assert!(sender.mail(&garbage).await.starts_with("250 "));
    assert!(sender.mail("").await.starts_with("250 "), "an empty one too");
    let mails = mailbox.mails();
    assert_eq!(mails.iter().map(|mail| &mail.raw[..]).collect::<Vec<_>>(), [b"", &garbage[..]]);
}

#[tokio::test]
async fn too_many_mistakes_end_the_connection() {
    let mailbox = start();
    let mut sender = Sender::hello(&mailbox).await;
    for _ in 0..20 {
        sender.must("NONSENSE", "500 ").await;
    }
    assert!(sender.reply().await.starts_with("421 "));
    assert!(sender.is_over().await);
}

impl Sender {
    async fn mail_after_reset(&mut self) -> String {
        self.must("RSET", "250 ").await;
        self.mail("Subject: one\r\n\r\n").await
    }
}
