//! Writes mails about events.
//!
//! The database decides who gets one, at the moment of sending: the event names those whom it may concern,
//! and what holds now has a veto. It lends each mail to one worker at a time, so that an event that comes
//! twice makes one mail. A mail is sent, and then marked as sent: if a worker dies in between, the lease
//! ends, and the mail goes out once more, with the same Message-ID.

use std::time::Duration;

use config::defaults;
use db::{DbError, Delivery, MailClaim, Mark, WorkerDb};
use domain::event::{Envelope, Queue};
use domain::mail::Letter;
use mail::{MailError, Mailer};
use uuid::Uuid;
use worker::{Cx, Event, Failure, Spec, Worker};

/// How often it is tried again to write down that a mail was sent.
const MARKS: usize = 2;

/// The worker.
pub struct NotificationsWorker;

/// What is kept of the time, to say what became of a mail.
const RESERVE: Duration = defaults::POSTGRES_CALL;

impl Worker for NotificationsWorker {
    const SPEC: Spec = Spec::of(env!("CARGO_PKG_NAME"), Queue::Notifications)
        .batches(10, 0)
        .at_once(5)
        .timeout(30, 180)
        .receives(5)
        .backoff(&[15, 60, 300, 300]);
    type Deps = (WorkerDb, Mailer);

    async fn handle(cx: Cx<'_, Self>, events: &[Event]) -> Result<(), Failure> {
        for event in events {
            let post = Post { cx: &cx, event: &event.envelope, holder: cx.clock.new_id() };
            post.deliver().await?;
        }
        Ok(())
    }
}

/// The mails about one event.
struct Post<'a> {
    cx: &'a Cx<'a, NotificationsWorker>,
    event: &'a Envelope,
    /// Names this attempt: what is lent, is lent to it.
    holder: Uuid,
}

impl Post<'_> {
    /// Sends what there is to send. What keeps one reader's mail back does not keep back another's.
    async fn deliver(&self) -> Result<(), Failure> {
        let watch = self.cx.clock.stopwatch();
        let (db, _) = self.cx.deps;
        let (mut leased, mut put_off) = (None, None);
        for delivery in db.claim_mails(self.event, self.holder).await? {
            match &delivery.claim {
                MailClaim::Send { letter } => {
                    let time = self.cx.time_left.saturating_sub(watch.elapsed() + RESERVE);
                    if let Err(why) = self.send(&delivery, letter, time).await? {
                        put_off = Some(why);
                    }
                }
                MailClaim::Leased { .. } => {
                    leased = leased.max(delivery.claim.leased_for());
                    self.log(&delivery, "leased", None);
                }
                MailClaim::Skipped { why } => self.log(&delivery, "skipped", Some(why)),
                MailClaim::Sent | MailClaim::Failed => self.log(&delivery, "settled before", None),
            }
        }
        match (leased, put_off) {
            (Some(time), _) => {
                Err(Failure::RetryIn(time, "another worker is sending a mail".to_owned()))
            }
            (None, Some(why)) => Err(Failure::Retry(why)),
            (None, None) => Ok(()),
        }
    }

    /// Sends one mail and marks it. The inner error: another attempt may do.
    async fn send(
        &self,
        delivery: &Delivery,
        letter: &Letter,
        time: Duration,
    ) -> Result<Result<(), String>, Failure> {
        let (_, mailer) = self.cx.deps;
        let result = match mailer.write(letter, delivery.user, self.event) {
            Ok(mail) => mailer.send(&mail, time).await,
            Err(error) => Err(error),
        };
        match result {
            Ok(receipt) => {
                let sent = Mark::Sent(receipt.id.as_deref());
                let mut marked = self.mark(delivery, sent).await;
                for _ in 0..MARKS {
                    if marked.is_err() {
                        marked = self.mark(delivery, sent).await;
                    }
                }
                if let Err(error) = marked {
                    // It was sent. Were the event to come again because of this, so would the mail.
                    tracing::error!(target: telemetry::TARGET, %error, "a mail was sent and not marked");
                }
                self.log(delivery, "sent", None);
                Ok(Ok(()))
            }
            Err(MailError::Permanent(why)) => {
                self.mark(delivery, Mark::Failed(&why)).await?;
                self.log(delivery, "failed", Some(&why));
                Ok(Ok(()))
            }
            Err(MailError::Temporary(why)) => {
                self.mark(delivery, Mark::Released(&why)).await?;
                self.log(delivery, "put off", Some(&why));
                Ok(Err(why))
            }
        }
    }

    async fn mark(&self, delivery: &Delivery, mark: Mark<'_>) -> Result<(), DbError> {
        let (db, _) = self.cx.deps;
        db.mark_mail(self.event.id, delivery.user, self.holder, mark).await
    }

    /// Of each mail a line. It names neither the reader nor the task.
    fn log(&self, delivery: &Delivery, outcome: &str, why: Option<&str>) {
        tracing::info!(
            target: telemetry::TARGET,
            function = NotificationsWorker::SPEC.name,
            request_id = self.event.request_id,
            event_id = %self.event.id,
            template = delivery.template.name(),
            outcome,
            why,
            "mail {} {outcome}", delivery.template.name()
        );
    }
}
