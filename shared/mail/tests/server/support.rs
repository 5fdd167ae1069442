//! A mail server, a mailer that knows it, and mails.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clock::Clock;
use config::{Deps as _, Env, Secrets, Start};
use domain::Private;
use mail::{Mail, Mailer};
use mail_parser::MessageParser;
use mailbox::{Behaviour, Credentials, Failure, Mailbox, Settings, Step, TlsFiles};

/// What a mail is given: nothing here is about that.
pub(crate) const TIME: Duration = Duration::from_mins(1);

/// A mail server with a certificate, and what it takes to know it.
pub(crate) struct Server {
    pub(crate) mailbox: Mailbox,
    pub(crate) folder: Folder,
}

impl Server {
    pub(crate) fn start() -> Self {
        let folder = Folder::new();
        let settings = folder.settings();
        Self { mailbox: Mailbox::start(settings).unwrap(), folder }
    }

    /// Ends, and starts again at the same place.
    pub(crate) fn restart(&mut self) {
        let smtp = self.mailbox.smtp_address();
        self.mailbox.stop();
        self.mailbox = Mailbox::start(Settings { smtp, ..self.folder.settings() }).unwrap();
    }

    pub(crate) fn mailer(&self) -> Mailer {
        self.mailer_with(&[])
    }

    pub(crate) fn mailer_with(&self, settings: &[(&str, &str)]) -> Mailer {
        let mut env = Env::of([
            ("MAIL_FROM", "Task manager <tasks@example.com>".to_owned()),
            ("PUBLIC_URL", "https://api.example.com".to_owned()),
            ("SMTP_HOST", "localhost".to_owned()),
            ("SMTP_PORT", self.mailbox.smtp_address().port().to_string()),
            ("SMTP_CA_FILE", self.folder.file("cert.pem").display().to_string()),
            ("SMTP_CREDENTIALS", r#"{"username":"mailer","password":"secret"}"#.to_owned()),
        ]);
        for (name, value) in settings {
            env = env.with(name, *value);
        }
        let clock = Clock::system();
        let secrets = Secrets::new(clock.clone());
        Mailer::prepare(&Start { env: &env, secrets: &secrets, clock: &clock }).unwrap()
    }

    pub(crate) fn refuse(&self, at: Step, code: u16, times: Option<u32>) {
        let fail = Some(Failure { at, code, times, recipient: None });
        self.mailbox.set_behaviour(Behaviour { fail, ..Behaviour::default() }).unwrap();
    }

    /// Waits for a mail.
    pub(crate) async fn something_arrives(&self) {
        for _ in 0..6000 {
            if !self.mailbox.mails().is_empty() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("no mail arrives");
    }

    /// The one mail that arrived.
    #[track_caller]
    pub(crate) fn only(&self) -> Arc<mailbox::Mail> {
        let mails = self.mailbox.mails();
        let [mail] = &mails[..] else { panic!("{} mails arrived", mails.len()) };
        Arc::clone(mail)
    }
}

/// A mail to Ann.
pub(crate) fn mail() -> Mail {
    let of = |text: &str| Private::new(text.to_owned());
    Mail {
        to: of("ann@example.com"),
        name: of("Ann"),
        subject: of("Grüße"),
        text: of("Hello Ann,\n\n.\nGrüße\n"),
        html: of("<p>Hello Ann</p>"),
        message_id: "event.user@example.com".to_owned(),
        headers: vec![("X-Request-Id", "request-1".to_owned())],
    }
}

/// The headers of a mail as they were sent, unfolded.
pub(crate) fn headers(raw: &[u8]) -> Vec<(String, String)> {
    let parsed = MessageParser::default().parse(raw).expect("a mail");
    let raw = parsed.headers_raw().map(|(name, value)| (name.to_owned(), value.trim().to_owned()));
    raw.collect()
}

/// Text and HTML of a mail.
pub(crate) fn bodies(raw: &[u8]) -> (String, String) {
    let parsed = MessageParser::default().parse(raw).expect("a mail");
    let text = parsed.body_text(0).expect("a text").into_owned();
    (text, parsed.body_html(0).expect("some HTML").into_owned())
}

/// A folder with a certificate for `localhost`. It goes with the test.
pub(crate) struct Folder(PathBuf);

impl Folder {
    #[expect(clippy::disallowed_methods, reason = "a test may block")]
    pub(crate) fn new() -> Self {
        let path = std::env::temp_dir().join(format!("mail-{}", Clock::system().new_id()));
        std::fs::create_dir(&path).unwrap();
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(path.join("cert.pem"), made.cert.pem()).unwrap();
        std::fs::write(path.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
        Self(path)
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn settings(&self) -> Settings {
        Settings {
            tls: Some(TlsFiles { certificate: self.file("cert.pem"), key: self.file("key.pem") }),
            credentials: Some(credentials()),
            ..Settings::default()
        }
    }
}

pub(crate) fn credentials() -> Credentials {
    Credentials { username: "mailer".to_owned(), password: "secret".to_owned() }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
