//! `STARTTLS`.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{Sender, TemporaryFolder, ann, subjects};
use crate::{Error, Mailbox, Settings, TlsFiles};

/// A mailbox with a certificate for `localhost`, and that certificate.
pub(super) struct Encrypted {
    pub(super) mailbox: Mailbox,
    pub(super) certificate: rcgen::Certificate,
}

impl Encrypted {
    pub(super) fn start() -> Self {
        let folder = TemporaryFolder::new();
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let tls = files(&folder, &made.cert.pem(), &made.signing_key.serialize_pem());
        let settings = Settings { tls: Some(tls), credentials: Some(ann()), ..Settings::default() };
        Self { mailbox: Mailbox::start(settings).unwrap(), certificate: made.cert }
    }

    /// Goes on with TLS after the 220 to `STARTTLS`.
    async fn handshake(&self, stream: TcpStream) -> Sender {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(self.certificate.der().to_vec())).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("localhost").unwrap();
        Sender::on(TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap())
    }
}

#[expect(clippy::disallowed_methods, reason = "a test may block")]
fn files(folder: &TemporaryFolder, certificate: &str, key: &str) -> TlsFiles {
    let tls = TlsFiles { certificate: folder.0.join("cert.pem"), key: folder.0.join("key.pem") };
    std::fs::write(&tls.certificate, certificate).unwrap();
    std::fs::write(&tls.key, key).unwrap();
    tls
}

/// A conversation in clear text whose socket is still at hand. It reads not a byte too much.
struct Plain(TcpStream);

impl Plain {
    async fn connect(address: SocketAddr) -> Self {
        let mut plain = Self(TcpStream::connect(address).await.unwrap());
        assert!(plain.reply().await.starts_with("220 "));
        plain
    }

    async fn reply(&mut self) -> String {
        let mut reply = Vec::new();
        loop {
            let start = reply.len();
            while !reply[start..].ends_with(b"\r\n") {
                reply.push(tokio::io::AsyncReadExt::read_u8(&mut self.0).await.unwrap());
            }
            if reply[start + 3] == b' ' {
                return String::from_utf8(reply).unwrap();
            }
        }
    }

    async fn say(&mut self, text: &str) -> String {
        tokio::io::AsyncWriteExt::write_all(&mut self.0, text.as_bytes()).await.unwrap();
        self.reply().await
    }
}

#[tokio::test]
async fn passwords_are_for_encrypted_connections() {
    let encrypted = Encrypted::start();
    let mut plain = Plain::connect(encrypted.mailbox.smtp_address()).await;
    let offer = plain.say("EHLO test\r\n").await;
    assert!(offer.contains("250-STARTTLS\r\n") && !offer.contains("AUTH"), "{offer}");
    assert!(plain.say("AUTH PLAIN AGFubgBzZWNyZXQ=\r\n").await.starts_with("538 "));
    assert!(plain.say("MAIL FROM:<app@example.org>\r\n").await.starts_with("530 "));
    assert!(plain.say("STARTTLS\r\n").await.starts_with("220 "));

    let mut sender = encrypted.handshake(plain.0).await;
    sender.must("AUTH PLAIN AGFubgBzZWNyZXQ=", "503 ").await;
    let offer = sender.say("EHLO test").await;
    assert!(!offer.contains("STARTTLS") && offer.contains("250-AUTH PLAIN LOGIN\r\n"), "{offer}");
    sender.must("STARTTLS", "503 ").await;
    sender.must("MAIL FROM:<app@example.org>", "530 ").await;
    sender.must("AUTH PLAIN AGFubgBzZWNyZXQ=", "235 ").await;
    assert!(sender.mail("Subject: secret\r\n\r\n").await.starts_with("250 "));
    sender.must("QUIT", "221 ").await;
    assert_eq!(subjects(&encrypted.mailbox), ["secret"]);
}

/// Whoever sits in the middle could add commands in clear text that the server would obey after the
/// handshake, as if they came from the sender (CVE-2011-0411).
#[tokio::test]
async fn what_was_said_in_clear_text_is_forgotten() {
    let encrypted = Encrypted::start();
    let mut plain = Plain::connect(encrypted.mailbox.smtp_address()).await;
    plain.say("EHLO test\r\n").await;
    let injected = "STARTTLS\r\nEHLO evil\r\nNOOP\r\nAUTH PLAIN AGFubgBzZWNyZXQ=\r\n";
    assert!(plain.say(injected).await.starts_with("220 "));
    let mut sender = encrypted.handshake(plain.0).await;
    sender.must("MAIL FROM:<app@example.org>", "503 5.5.1 EHLO").await;
    let greeting = sender.say("EHLO test").await;
    assert!(greeting.starts_with("250-localhost greets test"), "{greeting}");
    sender.must("MAIL FROM:<app@example.org>", "530 ").await;
}

#[tokio::test]
async fn a_handshake_that_fails_ends_its_own_connection_only() {
    let encrypted = Encrypted::start();
    let mut plain = Plain::connect(encrypted.mailbox.smtp_address()).await;
    assert!(plain.say("STARTTLS\r\n").await.starts_with("220 "));
    tokio::io::AsyncWriteExt::write_all(&mut plain.0, b"MAIL FROM:<a@b.c>\r\n").await.unwrap();
    let mut rest = Vec::new();
    let _ = tokio::io::AsyncReadExt::read_to_end(&mut plain.0, &mut rest).await;
    assert!(!rest.starts_with(b"2"), "{rest:?}");
    Plain::connect(encrypted.mailbox.smtp_address()).await;
}

#[test]
fn files_that_are_no_certificate_are_named() {
    let folder = TemporaryFolder::new();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let other = other.signing_key.serialize_pem();
    for (certificate, key, named) in [
        (certificate.as_str(), "", "key.pem"),
        (&certificate, "no PEM", "key.pem"),
        (&certificate, &other, "key.pem"),
        ("", &key, "cert.pem"),
        ("no PEM", &key, "cert.pem"),
    ] {
        let tls = Some(files(&folder, certificate, key));
        let error = Mailbox::start(Settings { tls, ..Settings::default() }).unwrap_err();
        assert!(matches!(error, Error::Tls { .. }), "{error}");
        assert!(error.to_string().contains(named), "{error}");
    }
    let missing = folder.0.join("missing.pem");
    let tls = Some(TlsFiles { certificate: missing.clone(), key: missing });
    let error = Mailbox::start(Settings { tls, ..Settings::default() }).unwrap_err();
    assert!(error.to_string().contains("missing.pem"), "{error}");
}
