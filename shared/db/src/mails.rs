//! Mails: who is to be told of an event, and who has been.

use std::time::Duration;

use config::defaults;
use domain::event::Envelope;
use domain::mail::{Letter, Template};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::error::DbError;
use crate::handle::{Db, Work, column, one_row};
use crate::statement::Statement;

pub(crate) const CLAIM: Statement = Statement {
    name: "mails.claim",
    sql: "-- mails.claim
SELECT api.claim_mails_v1($1 /* event */, $2 /* holder */, $3 /* lease in seconds */) AS answer",
    types: &[Type::JSONB, Type::UUID, Type::INT4],
};

pub(crate) const MARK: Statement = Statement {
    name: "mails.mark",
    sql: "-- mails.mark
SELECT api.mark_mail_v1(
    $1 /* event */, $2 /* user */, $3 /* holder */, $4 /* outcome */, $5 /* why */, $6 /* provider's id */
)",
    types: &[Type::UUID, Type::UUID, Type::UUID, Type::TEXT, Type::TEXT, Type::TEXT],
};

/// A mail that an event is a reason for.
#[derive(Clone, Debug, Deserialize)]
pub struct Delivery {
    /// To whom.
    pub user: Uuid,
    /// Which.
    pub template: Template,
    /// What is to be done about it.
    #[serde(flatten)]
    pub claim: MailClaim,
}

/// What is to be done about a mail.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum MailClaim {
    /// It is lent to the holder, who sends it and says so.
    Send {
        /// What the mail says and the event does not.
        letter: Box<Letter>,
    },
    /// It is lent to somebody else.
    Leased {
        /// After so many seconds it may be had.
        seconds: u64,
    },
    /// It was sent.
    Sent,
    /// It was refused for good.
    Failed,
    /// It was not wanted, or not possible.
    Skipped {
        /// Why.
        why: String,
    },
}

/// What became of a mail.
#[derive(Clone, Copy, Debug)]
pub enum Mark<'a> {
    /// The server took it, and may have given it a name.
    Sent(Option<&'a str>),
    /// It will never be taken.
    Failed(&'a str),
    /// Another attempt may do: whoever comes next need not wait for the lease to end.
    Released(&'a str),
}

impl Db<Work> {
    /// Decides who gets a mail about an event, and lends those mails to `holder`: a name of this attempt, by
    /// which a statement that is repeated finds its own leases.
    pub async fn claim_mails(
        &self,
        event: &Envelope,
        holder: Uuid,
    ) -> Result<Vec<Delivery>, DbError> {
        let event = json!(event);
        let lease = i32::try_from(defaults::MAIL_LEASE.as_secs()).unwrap_or(i32::MAX);
        let rows = self.on_writer(&CLAIM, &[&event, &holder, &lease]).await?;
        let answer: Value = column(&CLAIM, &one_row(&CLAIM, rows)?, "answer")?;
        // serde's words may quote what it reads: they stay here.
        serde_json::from_value(answer)
            .map_err(|_| DbError::Refused(format!("{}: the answer is unreadable", CLAIM.name)))
    }

    /// Says what became of a mail that was lent to `holder`.
    pub async fn mark_mail(
        &self,
        event: Uuid,
        user: Uuid,
        holder: Uuid,
        mark: Mark<'_>,
    ) -> Result<(), DbError> {
        let (outcome, why, id) = match mark {
            Mark::Sent(id) => ("sent", None, id),
            Mark::Failed(why) => ("failed", Some(why), None),
            Mark::Released(why) => ("released", Some(why), None),
        };
        self.on_writer(&MARK, &[&event, &user, &holder, &outcome, &why, &id]).await.map(drop)
    }
}

impl MailClaim {
    /// For how long somebody else has it.
    pub const fn leased_for(&self) -> Option<Duration> {
        match self {
            Self::Leased { seconds } => Some(Duration::from_secs(*seconds)),
            _ => None,
        }
    }
}
