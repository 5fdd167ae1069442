//! Why a run fails.

use config::{ConfigError, SecretError};

/// Why a run failed. What was applied before stays applied; the failed migration left nothing.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the texts say it")]
pub enum Error {
    #[error("{0}")]
    Config(#[from] ConfigError),
    #[error("{0}")]
    Secret(#[from] SecretError),
    #[error("{0}")]
    Credentials(String),
    #[error("the database says: {}", says(.0))]
    Database(#[from] tokio_postgres::Error),
    #[error("a migration failed: {0}")]
    Migration(#[from] refinery::Error),
}

fn says(error: &tokio_postgres::Error) -> String {
    error.as_db_error().map_or_else(|| error.to_string(), |db| db.message().to_owned())
}
