//! Working on an export: under a lease, which whoever does not come back loses.

use std::time::Duration;

use domain::export::{Conditions, Format, Kind};
use domain::listing::{Filter, Scope};
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::error::DbError;
use crate::handle::{Db, Work, column, one_row};
use crate::statement::Statement;

pub(crate) const CLAIM: Statement = Statement {
    name: "exports.claim",
    sql: "-- exports.claim
SELECT api.claim_export_v1($1 /* export */, $2 /* lease */, $3 /* seconds */) AS answer",
    types: &[Type::UUID, Type::UUID, Type::INT4],
};

pub(crate) const RENEW: Statement = Statement {
    name: "exports.renew",
    sql: "-- exports.renew
SELECT api.renew_export_v1($1 /* export */, $2 /* lease */, $3 /* seconds */) AS kept",
    types: &[Type::UUID, Type::UUID, Type::INT4],
};

pub(crate) const FINISH: Statement = Statement {
    name: "exports.finish",
    sql: "-- exports.finish
SELECT api.finish_export_v1(
    $1 /* export */, $2 /* lease */, $3 /* event */, $4 /* rows */, $5 /* bytes */, $6 /* error */
) AS kept",
    types: &[Type::UUID, Type::UUID, Type::UUID, Type::INT8, Type::INT8, Type::TEXT],
};

/// Names who works on an export. Another attempt at the same call carries the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The export.
    pub export: Uuid,
    /// Who.
    pub holder: Uuid,
    /// For how long; it can be renewed.
    pub life: Duration,
}

impl Lease {
    fn seconds(&self) -> i32 {
        i32::try_from(self.life.as_secs()).unwrap_or(i32::MAX)
    }
}

/// What came of taking an export to work on.
#[derive(Clone, Debug)]
pub enum Claim {
    /// It is to be done.
    Mine(Box<Order>),
    /// Somebody else works on it, at least for so long if they do not renew their lease.
    Held(Duration),
    /// It has ended, well or badly.
    Settled,
    /// There is no such export.
    Missing,
}

/// What is to be exported, as it was asked for.
#[derive(Clone, Debug)]
pub struct Order {
    /// For whom.
    pub owner: Uuid,
    /// What of the tasks.
    pub kind: Kind,
    /// What the file is to be written in.
    pub format: Format,
    /// Whose tasks.
    pub scope: Scope,
    /// Which of them.
    pub filter: Filter,
    /// Whether whoever asked for it may still use the system.
    pub active: bool,
}

/// How an export ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending<'a> {
    /// With a file of so many rows and bytes.
    File {
        /// How many rows, but for a heading.
        rows: i64,
        /// How many bytes.
        bytes: i64,
    },
    /// With an error, in words for whoever asked for it.
    Error(&'a str),
}

#[derive(Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
enum Wire {
    Claimed {
        user_id: Uuid,
        kind: Kind,
        format: Format,
        scope: Scope,
        filter: Map<String, Value>,
        active: bool,
    },
    Held {
        seconds: u64,
    },
    Settled,
    Missing,
}

impl Db<Work> {
    /// Takes an export to work on.
    pub async fn claim_export(&self, lease: &Lease) -> Result<Claim, DbError> {
        let rows =
            self.on_writer(&CLAIM, &[&lease.export, &lease.holder, &lease.seconds()]).await?;
        let answer: Value = column(&CLAIM, &one_row(&CLAIM, rows)?, "answer")?;
        // serde's words may quote the filter: they stay here.
        let unreadable = || DbError::Refused(format!("{}: the answer is unreadable", CLAIM.name));
        Ok(match serde_json::from_value(answer).map_err(|_| unreadable())? {
            Wire::Claimed { user_id: owner, kind, format, scope, filter, active } => {
                let Conditions(filter) = Conditions::from_json(filter).map_err(|_| unreadable())?;
                Claim::Mine(Box::new(Order { owner, kind, format, scope, filter, active }))
            }
            Wire::Held { seconds } => Claim::Held(Duration::from_secs(seconds)),
            Wire::Settled => Claim::Settled,
            Wire::Missing => Claim::Missing,
        })
    }

    /// Keeps a lease for longer. False: it is lost.
    pub async fn renew_export(&self, lease: &Lease) -> Result<bool, DbError> {
        let rows =
            self.on_writer(&RENEW, &[&lease.export, &lease.holder, &lease.seconds()]).await?;
        column(&RENEW, &one_row(&RENEW, rows)?, "kept")
    }

    /// Ends an export, with its event. False: the lease is lost.
    pub async fn finish_export(
        &self,
        lease: &Lease,
        event: Uuid,
        ending: &Ending<'_>,
    ) -> Result<bool, DbError> {
        let (rows, bytes, error) = match ending {
            Ending::File { rows, bytes } => (Some(*rows), Some(*bytes), None),
            Ending::Error(why) => (None, None, Some(*why)),
        };
        let rows = self
            .on_writer(&FINISH, &[&lease.export, &lease.holder, &event, &rows, &bytes, &error])
            .await?;
        column(&FINISH, &one_row(&FINISH, rows)?, "kept")
    }
}
