//! Exports: asking for one, and looking how far it is.

mod walk;
mod work;

use domain::listing::Position;
use domain::{Export, NewExport, Timestamp};
use serde_json::Value;
use tokio_postgres::types::Type;
use uuid::Uuid;

pub(crate) use walk::{COUNT, ROWS};
pub use walk::{Group, Walk, Walked};
pub(crate) use work::{CLAIM, FINISH, RENEW};
pub use work::{Claim, Ending, Lease, Order};

use crate::call::Parameters;
use crate::error::DbError;
use crate::handle::{Db, Read, Write, column};
use crate::identity::{Identity, Told};
use crate::operation::{Change, Operation};
use crate::statement::Statement;

pub(crate) const CREATE: Statement = Statement {
    name: "exports.create",
    sql: "-- exports.create
SELECT
    api.create_export_v1($1 /* caller */, $3 /* operation */, $4 /* fields */) AS answer,
    CASE WHEN $2 /* ask */ THEN api.state_v1($1) END AS state",
    types: &[Type::JSONB, Type::BOOL, Type::JSONB, Type::JSONB],
};

pub(crate) const FIND: Statement = Statement {
    name: "exports.find",
    sql: "-- exports.find
SELECT
    CASE WHEN $1 /* greet */ THEN api.greet_v1($2 /* caller */) END AS standing,
    CASE WHEN $1 THEN api.state_v1($2) END AS state,
    e.user_id AS owner,
    e.json AS export
FROM (SELECT) AS one
LEFT JOIN api.exports_v1 AS e ON e.id = $3 /* export */",
    types: &[Type::BOOL, Type::JSONB, Type::UUID],
};

pub(crate) const LIST: Statement = Statement {
    name: "exports.list",
    sql: "-- exports.list
SELECT
    CASE WHEN $1 /* greet */ THEN api.greet_v1($2 /* caller */) END AS standing,
    CASE WHEN $1 THEN api.state_v1($2) END AS state,
    ARRAY(
        SELECT e.json FROM api.exports_v1 AS e
        WHERE e.user_id = $3 /* user */
            AND ($4::timestamptz IS NULL OR (e.requested_at, e.id) < ($4, $5) /* after a row */)
        ORDER BY e.requested_at DESC, e.id DESC
        LIMIT $6 /* rows */
    ) AS exports",
    types: &[Type::BOOL, Type::JSONB, Type::UUID, Type::TIMESTAMPTZ, Type::UUID, Type::INT8],
};

/// An export, and whose it is.
#[derive(Clone, Debug)]
pub struct OwnedExport {
    /// Who asked for it.
    pub owner: Uuid,
    /// The export.
    pub export: Export,
}

/// A part of a list of exports.
pub struct ExportPage {
    /// The exports, newest first.
    pub exports: Vec<Export>,
    /// Whether there are more after them.
    pub more: bool,
}

impl Db<Write> {
    /// Asks for an export, whose id is the operation's.
    pub async fn create_export(
        &self,
        caller: &Identity<'_>,
        operation: &Operation<'_>,
        new: &NewExport,
    ) -> Result<Change<Export>, DbError> {
        let fields = serde_json::to_value(new)
            .map_err(|_| DbError::Refused(format!("{}: the fields are no JSON", CREATE.name)))?;
        self.change(&CREATE, caller, operation, &[&fields]).await
    }
}

impl Db<Read> {
    /// The export of that id, whoever may see it: the caller of this function decides that. From the
    /// writer, which alone knows how far it is.
    pub async fn find_export(
        &self,
        caller: &Identity<'_>,
        id: Uuid,
    ) -> Result<Told<Option<OwnedExport>>, DbError> {
        self.read(&FIND, caller, None, &[&id], |row| {
            let owner: Option<Uuid> = column(&FIND, row, "owner")?;
            let export: Option<Value> = column(&FIND, row, "export")?;
            let export = export.map(|json| export_of(&FIND, json)).transpose()?;
            Ok((owner.zip(export).map(|(owner, export)| OwnedExport { owner, export }), None))
        })
        .await
    }

    /// A part of the caller's exports, also from the writer.
    pub async fn list_exports(
        &self,
        caller: &Identity<'_>,
        after: Option<Position<Timestamp>>,
        limit: u8,
    ) -> Result<Told<ExportPage>, DbError> {
        let time = after.map(|place| place.key.to_offset_date_time());
        let (id, rows) = (after.map(|place| place.id), i64::from(limit) + 1);
        let parameters: Parameters<'_> = &[&caller.user_id, &time, &id, &rows];
        self.read(&LIST, caller, None, parameters, |row| {
            let exports: Vec<Value> = column(&LIST, row, "exports")?;
            let exports = exports.into_iter().map(|json| export_of(&LIST, json));
            let mut exports: Vec<Export> = exports.collect::<Result<_, _>>()?;
            let more = exports.len() > usize::from(limit);
            exports.truncate(limit.into());
            Ok((ExportPage { exports, more }, None))
        })
        .await
    }
}

fn export_of(statement: &Statement, json: Value) -> Result<Export, DbError> {
    serde_json::from_value(json)
        .map_err(|_| DbError::Refused(format!("{}: the row is not an export", statement.name)))
}
