//! A connection of our own, past the pooler.

use config::{SecretRef, Secrets, defaults};
use db::Credentials;
use tokio_postgres::Client;
use tokio_postgres::config::SslMode;

use crate::error::Error;
use crate::settings::Settings;

/// Who signs the certificates of Aurora itself, which `migrate` talks to past the proxy. They are not
/// among the public authorities.
const RDS_AUTHORITIES: &[u8] = include_bytes!("../rds-ca.pem");

/// Connects with the credentials of a secret, to the database of the settings or to another. The connection ends when the client is dropped.
pub(crate) async fn open(
    settings: &Settings,
    secrets: &Secrets,
    secret: &SecretRef,
    database: Option<&str>,
) -> Result<Client, Error> {
    let credentials = credentials(secrets, secret).await?;
    let mut address = settings.address.clone();
    if let Some(database) = database {
        address.dbname(database);
    }
    address
        .user(&credentials.username)
        .password(credentials.password.expose())
        .application_name("task-manager-migrate")
        .ssl_mode(SslMode::Require)
        .connect_timeout(defaults::POSTGRES_CONNECT);
    let tls = db::tls::client(settings.ca_file.as_deref(), RDS_AUTHORITIES)?;
    let (client, connection) = address.connect(tls).await?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::warn!(target: telemetry::TARGET, %error, "a connection of migrate ended");
        }
    });
    Ok(client)
}

/// What a secret holds.
pub(crate) async fn credentials(
    secrets: &Secrets,
    secret: &SecretRef,
) -> Result<Credentials, Error> {
    let text = secrets.get(secret).await?;
    Credentials::parse(&text).map_err(Error::Credentials)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_authorities_of_aurora_can_be_read() {
        assert!(db::tls::client(None, RDS_AUTHORITIES).is_ok());
        let count = RDS_AUTHORITIES.windows(10).filter(|w| w == b"-----BEGIN").count();
        assert!(count > 60, "{count}");
    }
}
