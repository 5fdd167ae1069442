//! The mailbox as its callers see it: over SMTP, over HTTP, and through the handle.

mod auth;
mod behaviour;
mod browser;
mod conversation;
mod faults;
mod folder;
mod http_api;
mod limits;
mod pages;
mod sender;
mod tls;

use std::path::PathBuf;
use std::time::Duration;

use clock::Clock;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::smtp::lines::Stream;
use crate::{Credentials, Mailbox, Settings};

/// Long enough for any machine: a server that hangs fails a test instead of hanging it too.
const HANGS: Duration = Duration::from_mins(1);

fn start() -> Mailbox {
    Mailbox::start(Settings::default()).unwrap()
}

fn ann() -> Credentials {
    Credentials { username: "ann".to_owned(), password: "secret".to_owned() }
}

/// The sending side of a conversation, by hand.
struct Sender(BufReader<Box<dyn Stream>>);

impl Sender {
    /// Connects; the greeting is not read yet.
    async fn connect(mailbox: &Mailbox) -> Self {
        Self::on(TcpStream::connect(mailbox.smtp_address()).await.unwrap())
    }

    fn on(stream: impl Stream + 'static) -> Self {
        Self(BufReader::new(Box::new(stream)))
    }

    /// Connects and says hello.
    async fn hello(mailbox: &Mailbox) -> Self {
        let mut sender = Self::connect(mailbox).await;
        assert!(sender.reply().await.starts_with("220 "));
        assert!(sender.say("EHLO test").await.starts_with("250-"));
        sender
    }

    async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.unwrap();
        self.0.flush().await.unwrap();
    }

    /// One reply with all its lines, or what there was of it when the connection ended.
    async fn reply(&mut self) -> String {
        let mut reply = String::new();
        loop {
            let start = reply.len();
            let read = timeout(HANGS, self.0.read_line(&mut reply)).await;
            let read = read.expect("the server hangs").unwrap_or(0);
            let line = &reply[start..];
            assert!(line.is_empty() || line.ends_with("\r\n"), "{reply:?}");
            if read == 0 || line.as_bytes().get(3) != Some(&b'-') {
                return reply;
            }
        }
    }

    async fn say(&mut self, line: &str) -> String {
        self.write(format!("{line}\r\n")).await;
        self.reply().await
    }

    #[track_caller]
    fn must(&mut self, line: &str, code: &str) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        async move {
            let reply = self.say(line).await;
            assert!(reply.starts_with(code), "{line} got {reply:?} at {caller}");
        }
    }

    /// Up to the 354 after which the mail itself follows.
    async fn begin(&mut self, to: &str) {
        self.must("MAIL FROM:<app@example.org>", "250 ").await;
        self.must(&format!("RCPT TO:<{to}>"), "250 ").await;
        self.must("DATA", "354 ").await;
    }

    /// A whole mail to `ann@example.org`. The reply to it.
    async fn mail(&mut self, mail: impl AsRef<[u8]>) -> String {
        self.begin("ann@example.org").await;
        self.write(mail).await;
        self.say(".").await
    }

    /// The server has closed the connection and said nothing more.
    async fn is_over(&mut self) -> bool {
        let mut rest = Vec::new();
        // A reset is an end too: the server need not read what is still on its way to it.
        let _ = timeout(HANGS, self.0.read_to_end(&mut rest)).await.expect("the server hangs");
        rest.is_empty()
    }
}

/// The subjects of the mails, the newest first.
fn subjects(mailbox: &Mailbox) -> Vec<String> {
    mailbox.mails().iter().map(|mail| mail.subject.clone()).collect()
}

/// A folder that goes with the test.
struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("mailbox-{}", Clock::system().new_id()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
