//! A connection of our own, past the pooler.

use config::{SecretRef, Secrets, defaults};
use db::Credentials;
use tokio_postgres::Client;
use tokio_postgres::config::SslMode;

use crate::error::Error;
use crate::settings::Settings;

/// Connects with the credentials of a secret. The connection ends when the client is dropped.
pub(crate) async fn open(
    settings: &Settings,
    secrets: &Secrets,
    secret: &SecretRef,
) -> Result<Client, Error> {
    let credentials = credentials(secrets, secret).await?;
    let mut address = settings.address.clone();
    address
        .user(&credentials.username)
        .password(credentials.password.expose())
        .application_name("task-manager-migrate")
        .ssl_mode(SslMode::Require)
        .connect_timeout(defaults::POSTGRES_CONNECT);
    let tls = db::tls::client(settings.ca_file.as_deref())?;
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
