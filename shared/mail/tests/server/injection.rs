//! Nobody writes headers but us.

use domain::Private;
use mail::{Mail, MailError};

use crate::support::{Server, TIME, headers, mail};

const NASTY: &str = "Plan\r\nBcc: eve@example.com\n\nX: y\r.\r\n";

#[tokio::test]
async fn titles_and_names_stay_on_their_line() {
    let server = Server::start();
    let nasty = || Private::new(NASTY.to_owned());
    let sent = Mail {
        name: nasty(),
        subject: nasty(),
        message_id: format!("1.2@example.com>{NASTY}"),
        headers: vec![("X-Request-Id", NASTY.to_owned())],
        ..mail()
    };
    server.mailer().send(&sent, TIME).await.unwrap();
    let arrived = server.only();
    assert_eq!(arrived.to, ["ann@example.com"]);
    assert_eq!(arrived.subject, "Plan Bcc: eve@example.com X: y .");
    let names: Vec<_> = headers(&arrived.raw).into_iter().map(|(name, _)| name).collect();
    let expected = [
        "From",
        "To",
        "Subject",
        "Message-ID",
        "Date",
        "MIME-Version",
        "Content-Type",
        "X-Request-Id",
    ];
    for name in &names {
        assert!(
            expected.iter().any(|known| known.eq_ignore_ascii_case(name)),
            "{name} in {names:?}"
        );
    }
    assert_eq!(names.len(), expected.len(), "{names:?}");
}

#[tokio::test]
async fn the_longest_titles_and_names_arrive() {
    let server = Server::start();
    for letter in ["x", "ü", "😀", "\"", "\\", "<", "=?"] {
        let long = letter.repeat(255);
        let sent = Mail {
            subject: Private::new(long.clone()),
            name: Private::new(long.clone()),
            text: Private::new(long.repeat(40)),
            html: Private::new(long.repeat(40)),
            ..mail()
        };
        server.mailer().send(&sent, TIME).await.unwrap_or_else(|why| panic!("{letter}: {why}"));
        let newest = server.mailbox.mails().swap_remove(0);
        assert_eq!(newest.to, ["ann@example.com"], "{letter}");
        if letter != "=?" {
            assert_eq!(newest.subject, long);
        }
    }
}

#[tokio::test]
async fn an_address_is_nothing_but_an_address() {
    let server = Server::start();
    let mailer = server.mailer();
    for address in [
        "",
        "ann",
        "ann@",
        "@example.com",
        "ann@example.com, eve@example.com",
        "ann@example.com\r\nBcc: eve@example.com",
        "ann@example.com>\r\nRCPT TO:<eve@example.com",
        "Ann <ann@example.com>",
        "\"a\r\nb\"@example.com",
        "\"a b\"@example.com",
        "ann@example.com SIZE=1",
        "ann@exa mple.com",
        "ann\0@example.com",
    ] {
        let sent = Mail { to: Private::new(address.to_owned()), ..mail() };
        let why = mailer.send(&sent, TIME).await.unwrap_err();
        assert_eq!(why, MailError::Permanent("the address is none".to_owned()), "{address:?}");
    }
    assert!(server.mailbox.mails().is_empty());
    let unusual = Mail { to: Private::new("jürgen+x@example.com".to_owned()), ..mail() };
    mailer.send(&unusual, TIME).await.unwrap();
    assert_eq!(server.only().to, ["jürgen+x@example.com"]);
}
