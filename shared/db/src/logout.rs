//! The end of sessions.

use serde::de::IgnoredAny;
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::error::DbError;
use crate::handle::{Db, Write, column, one_row};
use crate::operation::{Change, Operation, change_of};
use crate::statement::Statement;

pub(crate) const LOG_OUT: Statement = Statement {
    name: "sessions.log_out",
    sql: "-- sessions.log_out
SELECT api.log_out_v1($1 /* logout */, $2 /* operation */) AS answer",
    types: &[Type::JSONB, Type::JSONB],
};

/// What a logout token asks for.
#[derive(Clone, Debug)]
pub struct Logout {
    /// The token's own id: it counts once.
    pub jti: String,
    /// Whose session it is.
    pub user_id: Option<Uuid>,
    /// The session; none for all that the user began until then.
    pub session: Option<String>,
    /// When the token was issued.
    pub issued_at: OffsetDateTime,
}

impl Db<Write> {
    /// Ends a session, or all of a user.
    pub async fn log_out(
        &self,
        logout: &Logout,
        operation: &Operation<'_>,
    ) -> Result<Change<IgnoredAny>, DbError> {
        let logout = json!({
            "jti": logout.jti,
            "user_id": logout.user_id,
            "session": logout.session,
            "issued_at": logout.issued_at.format(&Rfc3339).unwrap_or_default(),
        });
        let rows = self.on_writer(&LOG_OUT, &[&logout, &operation.to_json()]).await?;
        let row = one_row(&LOG_OUT, rows)?;
        change_of(&LOG_OUT, column(&LOG_OUT, &row, "answer")?, None)
    }
}
