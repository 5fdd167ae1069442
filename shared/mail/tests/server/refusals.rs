//! What a server refuses, and whose fault it is.

use config::Deps as _;
use mail::MailError;
use mailbox::{Behaviour, Step};

use crate::support::{Server, TIME, mail};

/// What a mail becomes that is refused once; after it, the server takes the next one.
async fn refused(at: Step, code: u16) -> MailError {
    let server = Server::start();
    let mailer = server.mailer();
    server.refuse(at, code, Some(1));
    let why = mailer.send(&mail(), TIME).await.unwrap_err();
    mailer.send(&mail(), TIME).await.unwrap();
    server.only();
    why
}

#[tokio::test]
async fn another_time_may_do() {
    for (at, code) in [
        (Step::Connect, 421),
        (Step::Auth, 454),
        (Step::Mail, 451),
        (Step::Rcpt, 450),
        (Step::Rcpt, 452),
        (Step::Data, 421),
        (Step::Data, 451),
    ] {
        let why = refused(at, code).await;
        assert!(matches!(why, MailError::Temporary(_)), "{at:?} {code}: {why:?}");
    }
}

#[tokio::test]
async fn what_is_about_the_mail_is_final() {
    for (at, code) in [(Step::Rcpt, 550), (Step::Rcpt, 553), (Step::Data, 552), (Step::Data, 554)] {
        let why = refused(at, code).await;
        assert!(matches!(why, MailError::Permanent(_)), "{at:?} {code}: {why:?}");
        assert!(why.to_string().contains(&code.to_string()), "{why}");
    }
}

/// A wrong password or a sender that is not allowed concerns every mail: none is lost by it.
#[tokio::test]
async fn what_is_about_us_is_not() {
    for (at, code) in [(Step::Connect, 554), (Step::Auth, 535), (Step::Mail, 550)] {
        let why = refused(at, code).await;
        assert!(matches!(why, MailError::Temporary(_)), "{at:?} {code}: {why:?}");
    }
}

#[tokio::test]
async fn a_wrong_password_is_told_and_not_quoted() {
    let server = Server::start();
    let wrong = r#"{"username":"mailer","password":"hunter2"}"#;
    let why =
        server.mailer_with(&[("SMTP_CREDENTIALS", wrong)]).send(&mail(), TIME).await.unwrap_err();
    let MailError::Temporary(why) = why else { panic!("{why:?}") };
    assert!(why.starts_with("the credentials are refused: 535"), "{why}");
    assert!(!why.contains("hunter2") && !why.contains("mailer"), "{why}");
}

/// The server may have the mail: it is not sent a second time at once, and nobody is told that it went.
#[tokio::test]
async fn a_mail_without_an_answer_is_not_sent_again_by_itself() {
    let server = Server::start();
    let mailer = server.mailer();
    mailer.warm_up().await;
    let drops = Behaviour { drop_after_data: true, ..Behaviour::default() };
    server.mailbox.set_behaviour(drops).unwrap();
    let why = mailer.send(&mail(), TIME).await.unwrap_err();
    assert!(matches!(why, MailError::Temporary(_)), "{why:?}");
    server.only();
}

/// Time stands still here, but for what is waited for: the answer comes too late.
#[tokio::test(start_paused = true)]
async fn a_server_that_says_nothing_is_left() {
    let server = Server::start();
    let late = Behaviour { delay_ms: 600_000, delay_at: Step::Connect, ..Behaviour::default() };
    server.mailbox.set_behaviour(late).unwrap();
    let why = server.mailer().send(&mail(), TIME).await.unwrap_err();
    assert_eq!(why, MailError::Temporary("the mail server does not answer".to_owned()));
}
