//! A mail server that misbehaves because it was asked to.

use futures_util::FutureExt as _;

use super::http_api::Http;
use super::{Sender, ann, start, subjects};
use crate::{Behaviour, BehaviourError, Failure, Mailbox, Settings, Step};

/// The longest that may be asked for.
const LONGEST: u64 = 15 * 60_000;

fn fail(at: Step, code: u16, times: Option<u32>) -> Behaviour {
    Behaviour { fail: Some(Failure { at, code, times, recipient: None }), ..Behaviour::default() }
}

#[tokio::test]
async fn every_step_can_fail_and_then_works_again() {
    let settings = Settings { credentials: Some(ann()), ..Settings::default() };
    let mailbox = Mailbox::start(settings).unwrap();
    let steps = [
        (Step::Auth, "AUTH PLAIN AGFubgBzZWNyZXQ="),
        (Step::Mail, "MAIL FROM:<app@example.org>"),
        (Step::Rcpt, "RCPT TO:<ann@example.org>"),
    ];
    let mut sender = Sender::hello(&mailbox).await;
    for (step, line) in steps {
        mailbox.set_behaviour(fail(step, 454, Some(2))).unwrap();
        sender.must(line, "454 4.0.0").await;
        assert_eq!(mailbox.behaviour(), fail(step, 454, Some(1)));
        sender.must(line, "454 4.0.0").await;
        assert_eq!(mailbox.behaviour(), Behaviour::default());
        sender.must(line, "2").await;
    }
    mailbox.set_behaviour(fail(Step::Data, 550, None)).unwrap();
    sender.must("DATA", "354 ").await;
    sender.must("Subject: one\r\n\r\n.", "550 5.0.0").await;
    assert!(sender.mail("Subject: two\r\n\r\n").await.starts_with("550 "), "without an end");
    assert!(mailbox.mails().is_empty());
    mailbox.reset_behaviour();
    assert!(sender.mail("Subject: three\r\n\r\n").await.starts_with("250 "));
    assert_eq!(subjects(&mailbox), ["three"]);
}

#[tokio::test]
async fn a_connection_can_be_refused() {
    let mailbox = start();
    mailbox.set_behaviour(fail(Step::Connect, 554, Some(1))).unwrap();
    let mut refused = Sender::connect(&mailbox).await;
    assert!(refused.reply().await.starts_with("554 "));
    assert!(refused.is_over().await);
    Sender::hello(&mailbox).await;
}

#[tokio::test]
async fn after_421_the_connection_is_closed() {
    let mailbox = start();
    mailbox.set_behaviour(fail(Step::Mail, 421, Some(1))).unwrap();
    let mut sender = Sender::hello(&mailbox).await;
    sender.must("MAIL FROM:<app@example.org>", "421 ").await;
    assert!(sender.is_over().await);
}

#[tokio::test]
async fn a_failure_can_be_for_one_recipient() {
    let mailbox = start();
    let for_bob = |at| {
        let recipient = Some("bob@example.org".to_owned());
        let fail = Some(Failure { at, code: 550, times: None, recipient });
        Behaviour { fail, ..Behaviour::default() }
    };
    mailbox.set_behaviour(for_bob(Step::Rcpt)).unwrap();
    let mut sender = Sender::hello(&mailbox).await;
    sender.must("MAIL FROM:<app@example.org>", "250 ").await;
    sender.must("RCPT TO:<Bob@Example.org>", "550 ").await;
    sender.must("RCPT TO:<ann@example.org>", "250 ").await;
    sender.must("RSET", "250 ").await;

    mailbox.set_behaviour(for_bob(Step::Data)).unwrap();
    assert!(sender.mail("Subject: to ann\r\n\r\n").await.starts_with("250 "));
    sender.begin("bob@example.org").await;
    sender.must("Subject: to bob\r\n\r\n.", "550 ").await;
    assert_eq!(subjects(&mailbox), ["to ann"]);
}

#[tokio::test]
async fn a_mail_can_be_stored_without_an_answer() {
    let mailbox = start();
    let drops = Behaviour { drop_after_data: true, ..Behaviour::default() };
    mailbox.set_behaviour(drops).unwrap();
    let mut sender = Sender::hello(&mailbox).await;
    assert_eq!(sender.mail("Subject: one\r\n\r\n").await, "");
    assert_eq!(subjects(&mailbox), ["one"]);
}

/// Nothing here waits for time to pass: the answer comes because the behaviour changes.
#[tokio::test]
async fn an_answer_is_held_back_after_the_mail_is_stored() {
    let mailbox = start();
    let late = Behaviour { delay_ms: LONGEST, ..Behaviour::default() };
    mailbox.set_behaviour(late).unwrap();
    let mut sender = Sender::hello(&mailbox).await;
    sender.begin("ann@example.org").await;
    sender.write("Subject: one\r\n\r\n.\r\n").await;
    while mailbox.mails().is_empty() {
        tokio::task::yield_now().await;
    }
    // The server serves all on one thread: by the end of this an answer would have been on its way.
    Sender::hello(&mailbox).await.must("QUIT", "221 ").await;
    assert_eq!(sender.reply().now_or_never(), None);
    mailbox.reset_behaviour();
    assert!(sender.reply().await.starts_with("250 "));
}

#[tokio::test]
async fn each_step_can_be_late() {
    let settings = Settings { credentials: Some(ann()), ..Settings::default() };
    let mailbox = Mailbox::start(settings).unwrap();
    let late = |delay_at| Behaviour { delay_ms: LONGEST, delay_at, ..Behaviour::default() };
    mailbox.set_behaviour(late(Step::Connect)).unwrap();
    let mut sender = Sender::connect(&mailbox).await;
    is_held_back(&mailbox, &mut sender, "220 ").await;
    sender.must("EHLO test", "250-").await;
    for (step, line) in [
        (Step::Auth, "AUTH PLAIN AGFubgBzZWNyZXQ="),
        (Step::Mail, "MAIL FROM:<app@example.org>"),
        (Step::Rcpt, "RCPT TO:<ann@example.org>"),
    ] {
        mailbox.set_behaviour(late(step)).unwrap();
        sender.write(format!("{line}\r\n")).await;
        is_held_back(&mailbox, &mut sender, "2").await;
    }
}

async fn is_held_back(mailbox: &Mailbox, sender: &mut Sender, code: &str) {
    // The server serves all on one thread: by the end of these an answer would have been on its way.
    for _ in 0..3 {
        Http::new(mailbox).get("/api/behaviour").await;
    }
    assert_eq!(sender.reply().now_or_never(), None);
    mailbox.reset_behaviour();
    let answer = sender.reply().await;
    assert!(answer.starts_with(code), "{answer}");
}

#[test]
fn behaviours_that_make_no_sense_are_refused() {
    let mailbox = start();
    let of_mail = Failure {
        at: Step::Mail,
        code: 451,
        times: None,
        recipient: Some("ann@example.org".to_owned()),
    };
    for (behaviour, error) in [
        (fail(Step::Rcpt, 250, None), BehaviourError::Code(250)),
        (fail(Step::Rcpt, 600, None), BehaviourError::Code(600)),
        (fail(Step::Rcpt, 451, Some(0)), BehaviourError::Times),
        (Behaviour { fail: Some(of_mail), ..Behaviour::default() }, BehaviourError::Recipient),
        (
            Behaviour { delay_ms: LONGEST + 1, ..Behaviour::default() },
            BehaviourError::Delay(LONGEST + 1),
        ),
    ] {
        assert_eq!(mailbox.set_behaviour(behaviour), Err(error));
    }
    assert_eq!(mailbox.behaviour(), Behaviour::default(), "the old one stays");
}
