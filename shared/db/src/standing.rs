//! Whether a verified token still counts.

use time::OffsetDateTime;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::error::DbError;
use crate::handle::{Db, Role, column, one_row};
use crate::statement::Statement;

pub(crate) const ASK: Statement = Statement {
    name: "standing.ask",
    sql: "-- standing.ask
SELECT api.standing_v1($1 /* user */, $2 /* session */, $3 /* issued at */) AS standing",
    types: &[Type::UUID, Type::TEXT, Type::TIMESTAMPTZ],
};

/// What the database needs to know of a caller.
#[derive(Clone, Copy, Debug)]
pub struct Session<'a> {
    /// The token's `sub`.
    pub user_id: Uuid,
    /// The token's `sid`; a service account has none.
    pub id: Option<&'a str>,
    /// The token's `iat`.
    pub issued_at: OffsetDateTime,
}

/// How the caller stands with us, whatever the token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// In order.
    Good,
    /// The session was logged out.
    Revoked,
    /// The account is deactivated.
    Disabled,
}

impl Standing {
    pub(crate) fn parse(statement: &Statement, name: &str) -> Result<Self, DbError> {
        Self::named(name)
            .ok_or_else(|| DbError::Refused(format!("{}: unknown standing", statement.name)))
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "good" => Self::Good,
            "revoked" => Self::Revoked,
            "disabled" => Self::Disabled,
            _ => return None,
        })
    }
}

impl<R: Role> Db<R> {
    /// How the caller stands. For requests that are refused before a statement of their own asks.
    pub async fn standing(&self, session: &Session<'_>) -> Result<Standing, DbError> {
        let rows =
            self.on_writer(&ASK, &[&session.user_id, &session.id, &session.issued_at]).await?;
        let row = one_row(&ASK, rows)?;
        Standing::parse(&ASK, column(&ASK, &row, "standing")?)
    }
}
