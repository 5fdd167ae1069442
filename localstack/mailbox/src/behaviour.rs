//! How the mail server misbehaves, for tests of whoever sends.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// Longer than any sender waits (RFC 5321, 4.5.3.2.6 asks for ten minutes).
const LONGEST_DELAY: Duration = Duration::from_mins(15);

/// How the mail server behaves. The default is normal: it takes every mail at once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Behaviour {
    /// The answer at [`Behaviour::delay_at`] comes so much later, or when the behaviour changes.
    pub delay_ms: u64,
    /// What is answered late. At [`Step::Data`] the mail is stored before the wait.
    pub delay_at: Step,
    /// What is refused.
    pub fail: Option<Failure>,
    /// Stores the mail and closes the connection without an answer: the sender cannot know.
    pub drop_after_data: bool,
}

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// What is refused.
    pub at: Step,
    /// The answer: 400 to 599. After 421 the connection is closed, as the code says.
    pub code: u16,
    /// How often it is still refused; `None`: until the behaviour changes.
    #[serde(default)]
    pub times: Option<u32>,
    /// Only for this address (at `rcpt`), or only mails that go there too (at `data`).
    #[serde(default)]
    pub recipient: Option<String>,
}

/// What a sender waits for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// The greeting of a connection.
    Connect,
    /// The answer to the name and the password.
    Auth,
    /// The answer to `MAIL FROM`.
    Mail,
    /// The answer to a `RCPT TO`.
    Rcpt,
    /// The answer to the mail itself, after its last line.
    #[default]
    Data,
}

/// Why a behaviour is refused; it says what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BehaviourError {
    /// SMTP refuses with 4xx and 5xx only.
    #[error("`fail.code` is {0}; write one from 400 to 599")]
    Code(u16),
    /// A refusal that never happens.
    #[error("`fail.times` is 0; write 1 or more, or leave it out to fail until this changes")]
    Times,
    /// At that moment no recipient is known.
    #[error("`fail.recipient` is for `\"at\": \"rcpt\"` and `\"at\": \"data\"` only")]
    Recipient,
    /// Nobody waits so long.
    #[error("`delay_ms` is {0}; write at most {max}", max = LONGEST_DELAY.as_millis())]
    Delay(u64),
}

impl Behaviour {
    fn check(&self) -> Result<(), BehaviourError> {
        if u128::from(self.delay_ms) > LONGEST_DELAY.as_millis() {
            return Err(BehaviourError::Delay(self.delay_ms));
        }
        let Some(fail) = &self.fail else { return Ok(()) };
        if !(400..600).contains(&fail.code) {
            Err(BehaviourError::Code(fail.code))
        } else if fail.times == Some(0) {
            Err(BehaviourError::Times)
        } else if fail.recipient.is_some() && !matches!(fail.at, Step::Rcpt | Step::Data) {
            Err(BehaviourError::Recipient)
        } else {
            Ok(())
        }
    }

    fn delay(&self, at: Step) -> u64 {
        if self.delay_at == at { self.delay_ms } else { 0 }
    }
}

impl Failure {
    fn concerns(&self, at: Step, recipients: &[String]) -> bool {
        let named = |wanted: &String| recipients.iter().any(|to| to.eq_ignore_ascii_case(wanted));
        self.at == at && self.recipient.as_ref().is_none_or(named)
    }
}

/// The behaviour of now. Those who wait because of it notice when it changes.
#[derive(Debug, Default)]
pub(crate) struct Behaviours(watch::Sender<Behaviour>);

impl Behaviours {
    pub(crate) fn get(&self) -> Behaviour {
        self.0.borrow().clone()
    }

    pub(crate) fn set(&self, behaviour: Behaviour) -> Result<(), BehaviourError> {
        behaviour.check()?;
        self.0.send_replace(behaviour);
        Ok(())
    }

    pub(crate) fn reset(&self) {
        self.0.send_replace(Behaviour::default());
    }

    /// The code to refuse with, if this is to be refused. Counts it.
    pub(crate) fn failure(&self, at: Step, recipients: &[String]) -> Option<u16> {
        let mut code = None;
        self.0.send_if_modified(|behaviour| {
            let Some(fail) = &mut behaviour.fail else { return false };
            if !fail.concerns(at, recipients) {
                return false;
            }
            code = Some(fail.code);
            let Some(times) = &mut fail.times else { return false };
            *times -= 1;
            if *times == 0 {
                behaviour.fail = None;
            }
            true
        });
        code
    }

    /// Waits as long as the behaviour says, or until it says something else.
    pub(crate) async fn delay(&self, at: Step) {
        let mut now = self.0.subscribe();
        let ms = now.borrow_and_update().delay(at);
        if ms > 0 {
            let changed = now.wait_for(|behaviour| behaviour.delay(at) != ms);
            let _ = tokio::time::timeout(Duration::from_millis(ms), changed).await;
        }
    }
}
