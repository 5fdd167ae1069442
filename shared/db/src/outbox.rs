//! The outbox, as the relay sees it.

use std::time::Duration;

use config::defaults;
use serde_json::Value;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::call::Parameters;
use crate::error::DbError;
use crate::handle::{Db, Work, column, one_row};
use crate::statement::Statement;

pub(crate) const RELAY: Statement = Statement {
    name: "outbox.relay",
    sql: "-- outbox.relay
SELECT aggregate_id, aggregate_version, attempts, age_seconds, payload
FROM api.relay_v1(
    $1 /* sent: ids */, $2 /* and versions */,
    $3 /* refused: ids */, $4 /* and versions */,
    $5 /* events */, $6 /* lease in seconds */
)",
    types: &[
        Type::UUID_ARRAY,
        Type::INT8_ARRAY,
        Type::UUID_ARRAY,
        Type::INT8_ARRAY,
        Type::INT4,
        Type::INT4,
    ],
};

pub(crate) const WAITING: Statement = Statement {
    name: "outbox.waiting",
    sql: "-- outbox.waiting
SELECT pending, oldest_seconds FROM api.outbox_v1()",
    types: &[],
};

/// Names an event in the outbox: what it is about, and the version that it made.
pub type OutboxKey = (Uuid, i64);

/// An event that is lent to a relay.
#[derive(Clone, Debug)]
pub struct Lent {
    /// Its name.
    pub key: OutboxKey,
    /// How often it has been lent, this time included.
    pub attempts: i32,
    /// How long it has been in the outbox.
    pub age: Duration,
    /// The envelope.
    pub payload: Value,
}

/// What waits in the outbox.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Waiting {
    /// How many events, counted up to ten thousand.
    pub pending: i64,
    /// How long the oldest has waited.
    pub oldest: Option<Duration>,
}

impl Db<Work> {
    /// One step of the relay: what was sent leaves, what was refused waits, and the next events are lent, at
    /// most `limit` of them.
    pub async fn relay(
        &self,
        sent: &[OutboxKey],
        refused: &[OutboxKey],
        limit: i32,
    ) -> Result<Vec<Lent>, DbError> {
        let (sent_ids, sent_versions): (Vec<_>, Vec<_>) = sent.iter().copied().unzip();
        let (refused_ids, refused_versions): (Vec<_>, Vec<_>) = refused.iter().copied().unzip();
        let lease = i32::try_from(defaults::RELAY_LEASE.as_secs()).unwrap_or(i32::MAX);
        let parameters: Parameters<'_> =
            &[&sent_ids, &sent_versions, &refused_ids, &refused_versions, &limit, &lease];
        let rows = self.on_writer(&RELAY, parameters).await?;
        let lent = rows.into_iter().map(|row| {
            Ok(Lent {
                key: (
                    column(&RELAY, &row, "aggregate_id")?,
                    column(&RELAY, &row, "aggregate_version")?,
                ),
                attempts: column(&RELAY, &row, "attempts")?,
                age: seconds(column(&RELAY, &row, "age_seconds")?),
                payload: column(&RELAY, &row, "payload")?,
            })
        });
        lent.collect()
    }

    /// What waits in the outbox.
    pub async fn outbox(&self) -> Result<Waiting, DbError> {
        let row = one_row(&WAITING, self.on_writer(&WAITING, &[]).await?)?;
        let oldest: Option<f64> = column(&WAITING, &row, "oldest_seconds")?;
        Ok(Waiting { pending: column(&WAITING, &row, "pending")?, oldest: oldest.map(seconds) })
    }
}

/// Clocks may have been set back.
fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}
