//! The description of what runs: what tests and programs need to reach the services.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{Credentials, Error, files};

/// Where everything is. Written to `services.json` when all of it is healthy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Postgres itself: for the superuser, for migrations, for tests that look behind the pooler.
    pub postgres: Address,
    /// The pooler: where programs connect, as they connect to RDS Proxy in the cloud.
    pub pgbouncer: Address,
    /// Redis: one server or a cluster.
    pub redis: RedisState,
    /// Secrets Manager, SQS and S3.
    pub localstack: LocalStackState,
    /// The authority (PEM) that signed the certificates of Postgres and the pooler.
    pub ca_file: PathBuf,
    /// The superuser of Postgres.
    pub admin: Credentials,
    /// The ARN of the secret of each database role, and of the superuser as `admin`.
    pub secrets: BTreeMap<String, String>,
}

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// Always 127.0.0.1; certificates are valid for it.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// Where Redis is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedisState {
    /// Always 127.0.0.1.
    pub host: String,
    /// The port; of a cluster, the first node's.
    pub port: u16,
    /// Both as a URL; of a cluster, the URLs of all nodes, with commas between them.
    pub url: String,
    /// Whether it is a cluster.
    #[serde(default)]
    pub cluster: bool,
}

/// Where LocalStack is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalStackState {
    /// The endpoint of all its services.
    pub url: String,
    /// The region that its services play.
    pub region: String,
}

impl Address {
    pub(crate) fn local(port: u16) -> Self {
        Self { host: "127.0.0.1".to_owned(), port }
    }
}

impl State {
    /// Reads what [`crate::Services::start`] wrote. `services run` names the path in the
    /// environment variable `SERVICES_STATE`.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let content = files::read(path)?;
        serde_json::from_str(&content)
            .map_err(|source| Error::Damaged { path: path.to_owned(), source })
    }

    pub(crate) fn write(&self, path: &Path) -> Result<(), Error> {
        files::write_json(path, self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redis_is_no_cluster_unless_it_says_so() {
        let text = r#"{"host": "127.0.0.1", "port": 1, "url": "redis://127.0.0.1:1"}"#;
        let state: RedisState = serde_json::from_str(text).unwrap();
        assert!(!state.cluster);
    }
}
