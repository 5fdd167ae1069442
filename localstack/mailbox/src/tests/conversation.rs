//! What SMTP says, and in which order.

use super::{Sender, start, subjects};

#[tokio::test]
async fn a_mail_is_kept_as_it_was_sent() {
    let mailbox = start();
    let mut sender = Sender::hello(&mailbox).await;
    sender.must("MAIL FROM:<app@example.org> SIZE=100 BODY=8BITMIME", "250 ").await;
    sender.must("RCPT TO:<ann@example.org>", "250 ").await;
    sender.must("RCPT TO:<blind@example.org>", "250 ").await;
    sender.must("DATA", "354 ").await;
    // Every dot at the start of a line is sent twice.
    let sent =
        "Subject: =?utf-8?q?T=C3=BCr?=\r\nMessage-ID: <1@app>\r\n\r\n..\r\n...two\r\nT\u{fc}r.\r\n";
    sender.write(sent).await;
    assert!(mailbox.mails().is_empty(), "it is not complete yet");
    sender.must(".", "250 ").await;

    let [mail] = &mailbox.mails()[..] else { panic!("one mail was sent") };
    let kept =
        "Subject: =?utf-8?q?T=C3=BCr?=\r\nMessage-ID: <1@app>\r\n\r\n.\r\n..two\r\nT\u{fc}r.\r\n";
    assert_eq!(std::str::from_utf8(&mail.raw), Ok(kept));
    assert_eq!(mail.size, kept.len());
    assert_eq!(mail.from, "app@example.org");
    assert_eq!(mail.to, ["ann@example.org", "blind@example.org"]);
    assert_eq!((mail.subject.as_str(), mail.message_id.as_deref()), ("T\u{fc}r", Some("1@app")));
    assert_eq!(mailbox.mail(mail.id).as_ref(), Some(mail));
}

#[tokio::test]
async fn a_connection_takes_several_mails() {
    let mailbox = start();
    let mut sender = Sender::connect(&mailbox).await;
    sender.reply().await;
    sender.must("HELO test", "250 localhost").await;
    for subject in ["one", "two"] {
        assert!(sender.mail(format!("Subject: {subject}\r\n\r\n")).await.starts_with("250 "));
    }
    sender.must("MAIL FROM:<>", "250 ").await;
    sender.must("RSET", "250 ").await;
    sender.must("RCPT TO:<ann@example.org>", "503 ").await;
    sender.must("NOOP", "250 ").await;
    sender.must("VRFY ann", "252 ").await;
    sender.must("QUIT", "221 ").await;
    assert!(sender.is_over().await);
    assert_eq!(subjects(&mailbox), ["two", "one"]);
}

#[tokio::test]
async fn commands_may_come_without_waiting_for_answers() {
    let mailbox = start();
    let mut sender = Sender::hello(&mailbox).await;
    let envelope = "MAIL FROM:<app@example.org>\r\nRCPT TO:<ann@example.org>\r\n";
    sender.write(format!("{envelope}RCPT TO:<nobody>\r\nDATA\r\n")).await;
    for code in ["250 2.1.0", "250 2.1.5", "501 5.1.3", "354 "] {
        let reply = sender.reply().await;
        assert!(reply.starts_with(code), "{reply:?} instead of {code}");
    }
    sender.write("Subject: one\r\n\r\n.\r\nRSET\r\nQUIT\r\n").await;
    for code in ["250 2.0.0 stored", "250 2.0.0 forgotten", "221 "] {
        let reply = sender.reply().await;
        assert!(reply.starts_with(code), "{reply:?} instead of {code}");
    }
    assert_eq!(subjects(&mailbox), ["one"]);
}

#[tokio::test]
async fn mails_of_two_connections_do_not_mix() {
    let mailbox = start();
    let mut one = Sender::hello(&mailbox).await;
    let mut two = Sender::hello(&mailbox).await;
    one.begin("one@example.org").await;
    two.begin("two@example.org").await;
    one.write("Subject: one\r\n").await;
    two.write("Subject: two\r\n").await;
    two.must("\r\n.", "250 ").await;
    one.must("\r\n.", "250 ").await;
    let mails: Vec<_> =
        mailbox.mails().iter().map(|mail| (mail.subject.clone(), mail.to.join(","))).collect();
    let mail = |name: &str| (name.to_owned(), format!("{name}@example.org"));
    assert_eq!(mails, [mail("one"), mail("two")], "in the order of their ends");
}

#[tokio::test]
async fn a_mail_that_is_cut_off_is_not_kept() {
    let mailbox = start();
    let mut sender = Sender::hello(&mailbox).await;
    sender.begin("ann@example.org").await;
    sender.write("Subject: half\r\n\r\nhalf a mail\r\n").await;
    drop(sender);
    let mut other = Sender::hello(&mailbox).await;
    assert!(other.mail("Subject: whole\r\n\r\n").await.starts_with("250 "));
    assert_eq!(subjects(&mailbox), ["whole"]);
}
