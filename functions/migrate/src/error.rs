//! Why a run fails.

use config::ConfigError;
use db::ClusterError;

/// Why a run failed. What was applied before stays applied; the failed migration left nothing.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the texts say it")]
pub enum Error {
    #[error("{0}")]
    Cluster(#[from] ClusterError),
    #[error("a migration failed: {0}")]
    Migration(#[from] refinery::Error),
}

impl From<ConfigError> for Error {
    fn from(error: ConfigError) -> Self {
        Self::Cluster(error.into())
    }
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Cluster(error.into())
    }
}
