//! The last good key set of the identity provider, for cold starts while it is down.

use time::OffsetDateTime;
use tokio_postgres::types::Type;

use crate::error::DbError;
use crate::handle::{Db, Role, Write, column};
use crate::statement::Statement;

pub(crate) const KEPT: Statement = Statement {
    name: "keys.kept",
    sql: "-- keys.kept
SELECT keys, kept_at FROM api.kept_jwks_v1($1 /* issuer */)",
    types: &[Type::TEXT],
};

pub(crate) const KEEP: Statement = Statement {
    name: "keys.keep",
    sql: "-- keys.keep
SELECT 1 FROM api.keep_jwks_v1($1 /* issuer */, $2 /* keys */)",
    types: &[Type::TEXT, Type::TEXT],
};

/// A key set as it was kept.
#[derive(Clone, Debug)]
pub struct KeptKeys {
    /// The set, as the issuer served it.
    pub json: String,
    /// When it was kept, in seconds since 1970.
    pub kept_at: i64,
}

impl<R: Role> Db<R> {
    /// The key set that was kept last, if any.
    pub async fn kept_keys(&self, issuer: &str) -> Result<Option<KeptKeys>, DbError> {
        let rows = self.on_writer(&KEPT, &[&issuer]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let kept_at: OffsetDateTime = column(&KEPT, row, "kept_at")?;
        Ok(Some(KeptKeys { json: column(&KEPT, row, "keys")?, kept_at: kept_at.unix_timestamp() }))
    }
}

impl Db<Write> {
    /// Keeps a key set. Only writers may: who can replace the keys can be anybody.
    pub async fn keep_keys(&self, issuer: &str, json: &str) -> Result<(), DbError> {
        self.on_writer(&KEEP, &[&issuer, &json]).await.map(drop)
    }
}
