//! Writes mails and sends them.

use std::sync::Arc;
use std::time::Duration;

use clock::Clock;
use config::{ConfigError, Deps, Need, Start};
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

impl Deps for Mailer {
    fn needs(needs: &mut Vec<Need>) {
        needs.push(Need::Mail);
    }

    fn prepare(start: &Start<'_>) -> Result<Self, ConfigError> {
        let settings = Settings::from_env(start.env)?;
        let smtp = match settings.transport {
            Transport::Log => None,
            Transport::Smtp(server) => {
                Some(Smtp::new(server, settings.from.email.domain(), start.secrets.clone()))
            }
        };
        Ok(Self(Arc::new(Inner {
            smtp,
            from: settings.from,
            public_url: settings.public_url,
            texts: Texts::load(settings.texts.as_deref())?,
            clock: start.clock.clone(),
        })))
    }

    async fn warm_up(&self) {
        if let Some(smtp) = &self.0.smtp
            && let Err(error) = smtp.warm_up().await
        {
            tracing::warn!(target: telemetry::TARGET, %error, "started without the mail server");
        }
    }
}

impl Mailer {
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

    /// Sends a mail, within this time. If there is a receipt, the server has it; after a failure that is
    /// temporary it may have it all the same.
    pub async fn send(&self, mail: &Mail, time: Duration) -> Result<Receipt, MailError> {
        let inner = &self.0;
        let sealed = mail.seal(&inner.from, inner.clock.now()).map_err(MailError::Permanent)?;
        let Some(smtp) = &inner.smtp else {
            let message_id = mail.message_id.as_str();
            tracing::info!(target: telemetry::TARGET, message_id, "a dry run: the mail is not sent");
            return Ok(Receipt::default());
        };
        smtp.send(&sealed, time).await
    }
}
