//! What would take minutes over a socket, on a clock that jumps; and any bytes at all.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use proptest::prelude::{any, proptest};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::time::timeout;

use super::PATIENCE;
use super::session::{Session, parse};
use crate::parsed;
use crate::shared::Shared;
use crate::store::Store;

/// The sending side of a session, which ends before the test does.
async fn talk(lines: &str) -> String {
    let shared = Shared::new(
        SocketAddr::from((Ipv4Addr::LOCALHOST, 25)),
        Store::open(None).unwrap(),
        None,
        None,
    );
    let (mut sender, server) = tokio::io::duplex(1_000);
    let session = tokio::spawn(Session::new(Arc::new(shared), Box::new(server)).run());
    sender.write_all(lines.as_bytes()).await.unwrap();
    // On the clock that jumps this is no waiting.
    let replies = timeout(2 * PATIENCE, read(&mut sender)).await.expect("the server hangs");
    session.await.unwrap();
    replies
}

async fn read(sender: &mut DuplexStream) -> String {
    let mut replies = String::new();
    sender.read_to_string(&mut replies).await.unwrap();
    replies
}

#[tokio::test(start_paused = true)]
async fn silence_ends_a_connection() {
    let in_data = "EHLO a\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<a@b.c>\r\nDATA\r\nSubject: half\r\n";
    for lines in ["", "EHLO a\r\nNOO", in_data] {
        let replies = talk(lines).await;
        let last = replies.trim_end().lines().last().unwrap();
        assert!(last.starts_with("421 4.4.2"), "{replies}");
    }
}

proptest! {
    #[test]
    fn any_command_is_understood_or_refused(line in any::<Vec<u8>>()) {
        for verb in ["", "EHLO ", "MAIL FROM:<", "MAIL FROM:<a@b.c> ", "RCPT TO:<", "AUTH ", "BDAT "] {
            let line = [verb.as_bytes(), &line, b"\r\n"].concat();
            if let Err(reply) = parse(&line) {
                assert!(reply.starts_with('5') && !reply.contains('\n'), "{reply:?}");
            }
        }
    }

    #[test]
    fn any_mail_is_shown_somehow(mail in any::<Vec<u8>>()) {
        for head in ["", "Subject: =?", "Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n"] {
            let mail = [head.as_bytes(), &mail].concat();
            parsed::summary(&mail);
            parsed::parse(&mail);
        }
    }
}
