//! What `maintenance` takes away, in batches: each call does one, and says how many it were.

use serde_json::Value;
use tokio_postgres::types::Type;

use crate::call::Parameters;
use crate::error::DbError;
use crate::handle::{Db, Work, column, one_row};
use crate::statement::Statement;

pub(crate) const PURGE_TASKS: Statement = Statement {
    name: "upkeep.purge_tasks",
    sql: "-- upkeep.purge_tasks
SELECT api.purge_tasks_v1($1 /* rows */, $2 /* request */) AS rows",
    types: &[Type::INT4, Type::TEXT],
};

pub(crate) const PURGE_KEYS: Statement = Statement {
    name: "upkeep.purge_keys",
    sql: "-- upkeep.purge_keys
SELECT api.purge_keys_v1($1 /* rows */) AS rows",
    types: &[Type::INT4],
};

pub(crate) const PURGE_REVOCATIONS: Statement = Statement {
    name: "upkeep.purge_revocations",
    sql: "-- upkeep.purge_revocations
SELECT api.purge_revocations_v1($1 /* rows */) AS rows",
    types: &[Type::INT4],
};

pub(crate) const EXPIRE_EXPORTS: Statement = Statement {
    name: "upkeep.expire_exports",
    sql: "-- upkeep.expire_exports
SELECT api.expire_exports_v1($1 /* rows */) AS rows",
    types: &[Type::INT4],
};

pub(crate) const RECOUNT: Statement = Statement {
    name: "upkeep.recount_yesterday",
    sql: "-- upkeep.recount_yesterday
SELECT api.recount_day_v1((now() AT TIME ZONE 'UTC')::date - 1) AS found",
    types: &[],
};

impl Db<Work> {
    /// Removes tasks that have been in the trash for long enough, each with its last event.
    pub async fn purge_tasks(&self, limit: u16, request_id: &str) -> Result<u64, DbError> {
        self.batch(&PURGE_TASKS, &[&i32::from(limit), &request_id]).await
    }

    /// Removes records of idempotency keys that are over.
    pub async fn purge_keys(&self, limit: u16) -> Result<u64, DbError> {
        self.batch(&PURGE_KEYS, &[&i32::from(limit)]).await
    }

    /// Removes revocations of tokens that have expired by themselves.
    pub async fn purge_revocations(&self, limit: u16) -> Result<u64, DbError> {
        self.batch(&PURGE_REVOCATIONS, &[&i32::from(limit)]).await
    }

    /// Marks exports whose files are gone.
    pub async fn expire_exports(&self, limit: u16) -> Result<u64, DbError> {
        self.batch(&EXPIRE_EXPORTS, &[&i32::from(limit)]).await
    }

    /// Counts yesterday once more, and says where that differs from what was counted when it happened.
    pub async fn recount_yesterday(&self) -> Result<Value, DbError> {
        let rows = self.on_writer(&RECOUNT, &[]).await?;
        column(&RECOUNT, &one_row(&RECOUNT, rows)?, "found")
    }

    async fn batch(&self, of: &Statement, parameters: Parameters<'_>) -> Result<u64, DbError> {
        let rows = self.on_writer(of, parameters).await?;
        let rows: i32 = column(of, &one_row(of, rows)?, "rows")?;
        Ok(rows.try_into().unwrap_or_default())
    }
}
