//! The database past the pooler: for migrations, and for what no transaction can hold.

use std::path::PathBuf;

use config::{ConfigError, Deps, Env, Need, SecretError, SecretRef, Secrets, Start, defaults};
use tokio_postgres::Client;
use tokio_postgres::config::SslMode;

use crate::settings::{Credentials, address};
use crate::tls;

/// Who signs the certificates of Aurora itself, which is talked to past the proxy. They are not among the
/// public authorities.
const RDS_AUTHORITIES: &[u8] = include_bytes!("../rds-ca.pem");

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// A setting is wrong.
    #[error("{0}")]
    Config(#[from] ConfigError),
    /// The credentials cannot be read.
    #[error("{0}")]
    Secret(#[from] SecretError),
    /// The credentials are not what they should be.
    #[error("{0}")]
    Credentials(String),
    /// The database refuses, or does not answer.
    #[error("the database says: {}", cluster_says(.0))]
    Database(#[from] tokio_postgres::Error),
}

/// What the database says of an error; not its details, which quote rows.
pub fn cluster_says(error: &tokio_postgres::Error) -> String {
    error.as_db_error().map_or_else(|| error.to_string(), |db| db.message().to_owned())
}

/// Where the writer itself is.
#[derive(Clone)]
pub struct Direct {
    address: tokio_postgres::Config,
    ca_file: Option<PathBuf>,
}

impl Direct {
    /// Reads the address from the setting of that name, and which authority to trust from
    /// `DATABASE_CA_FILE`.
    pub fn from_env(env: &Env, name: &str) -> Result<Self, ConfigError> {
        let url: String =
            env.required(name, "the writer itself, as postgres://host:port/database")?;
        Ok(Self { address: address(name, &url)?, ca_file: env.optional("DATABASE_CA_FILE")? })
    }

    /// The database that the address names.
    pub fn database(&self) -> Option<&str> {
        self.address.get_dbname()
    }

    /// Connects to that database, or to another one. The connection ends when the client is dropped.
    pub async fn connect(
        &self,
        login: &Credentials,
        program: &str,
        database: Option<&str>,
    ) -> Result<Client, ClusterError> {
        let mut address = self.address.clone();
        if let Some(database) = database {
            address.dbname(database);
        }
        address
            .user(&login.username)
            .password(login.password.expose())
            .application_name(program)
            .ssl_mode(SslMode::Require)
            .connect_timeout(defaults::POSTGRES_CONNECT);
        let tls = tls::client(self.ca_file.as_deref(), RDS_AUTHORITIES)?;
        let (client, connection) = address.connect(tls).await?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::warn!(target: telemetry::TARGET, %error, "a connection past the pooler ended");
            }
        });
        Ok(client)
    }
}

impl Credentials {
    /// What a secret holds.
    pub async fn read(secrets: &Secrets, secret: &SecretRef) -> Result<Self, ClusterError> {
        let text = secrets.get(secret).await?;
        Self::parse(&text).map_err(ClusterError::Credentials)
    }
}

/// The writer itself, for the role `migrate`.
pub struct Cluster {
    direct: Direct,
    credentials: SecretRef,
    secrets: Secrets,
}

impl Cluster {
    /// A connection of one's own, with the rights of the owner of all tables.
    #[expect(clippy::disallowed_methods, reason = "a connection of its own, not a pooled one")]
    pub async fn connect(&self, program: &str) -> Result<Client, ClusterError> {
        let login = Credentials::read(&self.secrets, &self.credentials).await?;
        let client = self.direct.connect(&login, program, None).await?;
        client.batch_execute("SET ROLE app_owner").await?;
        Ok(client)
    }
}

impl Deps for Cluster {
    fn needs(needs: &mut Vec<Need>) {
        needs.push(Need::Cluster);
    }

    fn prepare(start: &Start<'_>) -> Result<Self, ConfigError> {
        let what = r#"{"username": …, "password": …} of the database role migrate"#;
        Ok(Self {
            direct: Direct::from_env(start.env, "CLUSTER_URL")?,
            credentials: start.env.secret("CLUSTER_CREDENTIALS", what)?,
            secrets: start.secrets.clone(),
        })
    }

    /// Nothing: it is needed once a day.
    async fn warm_up(&self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_authorities_of_aurora_can_be_read() {
        assert!(tls::client(None, RDS_AUTHORITIES).is_ok());
        let count = RDS_AUTHORITIES.windows(10).filter(|w| w == b"-----BEGIN").count();
        assert!(count > 60, "{count}");
    }
}
