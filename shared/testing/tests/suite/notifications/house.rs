//! An app with a mail server.

use std::sync::Arc;
use std::time::Duration;

use domain::event::Envelope;
use issuer::Person;
use mail_parser::MessageParser;
use mailbox::{Credentials, Mail, Mailbox, Settings, TlsFiles};
use serde_json::{Value, json};
use services::Folder;
use testing::{Caller, Setup, TestApp, lines_of};
use uuid::Uuid;

use crate::support::{events_of, id_of, own_folder, path_of};

pub(super) const WORKER: &str = "notifications-worker";

/// The app, its mail server, and the folder of the server's certificate.
pub(super) struct House {
    pub(super) app: TestApp,
    pub(super) mailbox: Mailbox,
    folder: Folder,
}

impl Drop for House {
    fn drop(&mut self) {
        let _ = self.folder.remove();
    }
}

impl House {
    pub(super) async fn open() -> Self {
        let password = r#"{"username": "mailer", "password": "secret"}"#;
        Self::with(("SMTP_CREDENTIALS", password.to_owned())).await
    }

    /// With a setting of the credentials. The server takes the password `secret`.
    pub(super) async fn with(credentials: (&'static str, String)) -> Self {
        let folder = own_folder(&format!("mails-{}", clock::Clock::system().new_id()));
        let files = folder.certificates().expect("certificates");
        let mailbox = Mailbox::start(Settings {
            tls: Some(TlsFiles { certificate: files.certificate_file, key: files.key_file }),
            credentials: Some(Credentials {
                username: "mailer".to_owned(),
                password: "secret".to_owned(),
            }),
            ..Settings::default()
        })
        .expect("a mail server");
        let env = vec![
            ("MAIL_TRANSPORT", "smtp".to_owned()),
            ("SMTP_HOST", "127.0.0.1".to_owned()),
            ("SMTP_PORT", mailbox.smtp_address().port().to_string()),
            ("SMTP_CA_FILE", files.ca_file.display().to_string()),
            credentials,
        ];
        let app = TestApp::with(Setup { env, ..Setup::default() }).await;
        Self { app, mailbox, folder }
    }

    /// Somebody of that name, who has been seen.
    pub(super) async fn person(&self, name: &str) -> Caller<'_> {
        self.seen(Person::new(name, &["user"])).await
    }

    /// An administrator.
    pub(super) async fn admin(&self) -> Caller<'_> {
        self.seen(Person::new("root", &["admin"])).await
    }

    async fn seen(&self, person: Person) -> Caller<'_> {
        let caller = self.app.person(person);
        caller.get("/v1/me").send().await.expect(200);
        caller
    }

    /// Gives the worker an event. Says whether it is done with it.
    pub(super) async fn tell(&self, event: &Envelope) -> bool {
        self.app.work(WORKER, std::slice::from_ref(event)).await.is_empty()
    }

    /// Gives the worker an event, which it must get done with.
    pub(super) async fn must_tell(&self, event: &Envelope) {
        let done = self.tell(event).await;
        assert!(done, "logged: {:?}", lines_of(&event.request_id));
    }

    /// Changes a task, and gives the worker the event of that.
    pub(super) async fn change(&self, who: &Caller<'_>, task: &Value, patch: &Value) {
        let event = self.changed(who, task, patch).await;
        self.must_tell(&event).await;
    }

    /// Changes a task. The event of that.
    pub(super) async fn changed(&self, who: &Caller<'_>, task: &Value, patch: &Value) -> Envelope {
        who.patch(&path_of(task), patch).send().await.expect(200);
        self.last(task).await
    }

    /// The last event of a task.
    pub(super) async fn last(&self, task: &Value) -> Envelope {
        events_of(&self.app, id_of(task)).await.pop().expect("an event")
    }

    /// The mails that arrived since the last look: to whom, and their subjects.
    pub(super) fn arrived(&self) -> Vec<(String, String)> {
        let name = |mail: &Arc<Mail>| {
            assert_eq!(mail.to.len(), 1, "one mail has one reader");
            mail.to[0].strip_suffix("@example.com").expect("one of ours").to_owned()
        };
        let mails = self.mailbox.mails();
        let mut mails: Vec<_> = mails.iter().map(|m| (name(m), m.subject.clone())).collect();
        mails.sort();
        self.mailbox.delete_all().expect("an empty mailbox");
        mails
    }

    /// Waits for a mail.
    pub(super) async fn something_arrives(&self) {
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
    pub(super) fn only(&self) -> Arc<Mail> {
        let mails = self.mailbox.mails();
        assert_eq!(mails.len(), 1);
        Arc::clone(&mails[0])
    }

    /// How a delivery stands: its state, why, and the attempts.
    pub(super) async fn delivery(&self, event: &Envelope, user: Uuid) -> (String, String, i32) {
        let sql = "SELECT state, coalesce(why, ''), attempts FROM app.deliveries
                   WHERE event_id = $1 AND user_id = $2";
        let rows = self.app.db.rows(sql, &[&event.id, &user]).await;
        assert_eq!(rows.len(), 1, "one delivery");
        (rows[0].get(0), rows[0].get(1), rows[0].get(2))
    }
}

/// To whom, and what.
pub(super) fn mails(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut mails: Vec<_> =
        expected.iter().map(|(to, subject)| ((*to).to_owned(), (*subject).to_owned())).collect();
    mails.sort();
    mails
}

/// A task of that title, for somebody.
pub(super) fn task_for(assignee: &Caller<'_>) -> Value {
    json!({"title": "Plan", "assignee_id": assignee.id(), "priority": "high"})
}

/// The headers of that name.
pub(super) fn headers(mail: &Mail, name: &str) -> Vec<String> {
    let parsed = MessageParser::default().parse(&mail.raw[..]).expect("a mail");
    let all = parsed.headers_raw().filter(|(of, _)| of.eq_ignore_ascii_case(name));
    all.map(|(_, value)| value.trim().to_owned()).collect()
}

/// What it says.
pub(super) fn text(mail: &Mail) -> String {
    let parsed = MessageParser::default().parse(&mail.raw[..]).expect("a mail");
    parsed.body_text(0).expect("a text").replace("\r\n", "\n")
}
