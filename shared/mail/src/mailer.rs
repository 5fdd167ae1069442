//! Writes mails and sends them.

use std::sync::Arc;

use clock::Clock;
use config::{ConfigError, Env, Secrets};
use domain::Private;
use domain::event::Envelope;
use domain::mail::Letter;
use lettre::message::Mailbox;
use uuid::Uuid;

use crate::facts::{self, Facts};
use crate::mail::Mail;
use crate::outcome::{MailError, Receipt};
use crate::settings::{Settings, Transport};
use crate::smtp::Smtp;
use crate::texts::Texts;

/// Writes mails and sends them. Clones share their connection.
#[derive(Clone)]
pub struct Mailer(Arc<Inner>);

struct Inner {
    /// None: a dry run.
    smtp: Option<Smtp>,
    from: Mailbox,
    public_url: String,
    texts: Texts,
    clock: Clock,
}

impl Mailer {
    /// A mailer without a connection yet.
    pub fn new(env: &Env, secrets: &Secrets, clock: &Clock) -> Result<Self, ConfigError> {
        let settings = Settings::from_env(env)?;
        let smtp = match settings.transport {
            Transport::Log => None,
            Transport::Smtp(server) => {
                Some(Smtp::new(server, settings.from.email.domain(), secrets.clone()))
            }
        };
        Ok(Self(Arc::new(Inner {
            smtp,
            from: settings.from,
            public_url: settings.public_url,
            texts: Texts::load(settings.texts.as_deref())?,
            clock: clock.clone(),
        })))
    }

    /// Opens the connection, so that the first mail need not.
    pub async fn warm_up(&self) -> Result<(), MailError> {
        match &self.0.smtp {
            Some(smtp) => smtp.warm_up().await,
            None => Ok(()),
        }
    }

    /// The mail that tells a reader of an event.
    pub fn write(&self, letter: &Letter, to: Uuid, event: &Envelope) -> Result<Mail, MailError> {
        let inner = &self.0;
        let facts = Facts::of(letter, event, &inner.public_url);
        let words = inner.texts.words(letter.template, &facts).map_err(|fault| {
            MailError::Permanent(format!("the text cannot be filled in: {}", fault.place))
        })?;
        Ok(Mail {
            to: letter.address.clone(),
            name: letter.name.clone(),
            subject: Private::new(words.subject),
            text: Private::new(words.text),
            html: Private::new(words.html),
            message_id: format!("{}.{to}@{}", event.id, inner.from.email.domain()),
            headers: vec![
                ("X-Request-Id", event.request_id.clone()),
                ("X-Event-Id", event.id.to_string()),
                ("Auto-Submitted", "auto-generated".to_owned()),
                ("List-Unsubscribe", format!("<{}>", facts::preferences(&inner.public_url))),
            ],
        })
    }

    /// Sends a mail. It is sent if, and only if, there is a receipt; after a failure that is temporary
    /// the server may have it all the same.
    pub async fn send(&self, mail: &Mail) -> Result<Receipt, MailError> {
        let inner = &self.0;
        let sealed = mail.seal(&inner.from, inner.clock.now()).map_err(MailError::Permanent)?;
        let Some(smtp) = &inner.smtp else {
            let message_id = mail.message_id.as_str();
            tracing::info!(target: telemetry::TARGET, message_id, "a dry run: the mail is not sent");
            return Ok(Receipt::default());
        };
        smtp.send(&sealed).await
    }
}
