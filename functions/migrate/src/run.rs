//! One run: lock, roles, migrations.

use config::{SecretRef, Secrets};
use db::{ClusterError, Credentials};
use serde::Serialize;
use tokio_postgres::Client;

use crate::error::Error;
use crate::roles;
use crate::settings::Settings;

mod embedded {
    //! The files of `migrations/`, as part of the program.
    refinery::embed_migrations!("../../migrations");
}

/// What a run did.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The migrations that it applied; none if there was nothing to do.
    pub applied: Vec<String>,
    /// The version of the database now.
    pub version: u32,
}

/// Advisory locks belong to a database and roles to the whole cluster, so everybody locks in the one
/// database that every cluster has.
const LOCK_DATABASE: &str = "postgres";

/// Any number, as long as nobody else locks it.
const LOCK: i64 = 7_204_161_530_011_913;

/// A connection with the credentials of a secret, to the database of the settings or to another.
async fn open(
    settings: &Settings,
    secrets: &Secrets,
    secret: &SecretRef,
    database: Option<&str>,
) -> Result<Client, Error> {
    let login = Credentials::read(secrets, secret).await?;
    Ok(settings.writer.connect(&login, "task-manager-migrate", database).await?)
}

/// Makes the database if the cluster does not have it.
#[expect(clippy::disallowed_methods, reason = "a connection of its own, not a pooled one")]
async fn create(client: &Client, database: &str) -> Result<(), Error> {
    let exists = "SELECT 1 FROM pg_database WHERE datname = $1";
    if client.query_opt(exists, &[&database]).await?.is_none() {
        let name = database.replace('"', "\"\"");
        client.batch_execute(&format!("CREATE DATABASE \"{name}\"")).await?;
    }
    Ok(())
}

/// Brings the database to the version of this program.
#[expect(clippy::disallowed_methods, reason = "connections of its own, not pooled ones")]
pub async fn run(settings: &Settings, secrets: &Secrets) -> Result<Report, Error> {
    let lock = open(settings, secrets, &settings.admin, Some(LOCK_DATABASE)).await?;
    lock.execute("SELECT pg_advisory_lock($1)", &[&LOCK]).await?;
    if let Some(database) = settings.writer.database() {
        create(&lock, database).await?;
    }
    let admin = open(settings, secrets, &settings.admin, None).await?;
    roles::ensure(&admin, settings, secrets).await?;

    let (_, secret) =
        settings.roles.iter().find(|(role, _)| *role == "migrate").ok_or_else(|| {
            ClusterError::Credentials("the role migrate has no secret".to_owned())
        })?;
    let mut migrate = open(settings, secrets, secret, None).await?;
    migrate.batch_execute("SET ROLE app_owner").await?;
    let report = embedded::migrations::runner().run_async(&mut migrate).await?;
    let version = embedded::migrations::runner()
        .get_last_applied_migration_async(&mut migrate)
        .await?
        .map_or(0, |migration| migration.version());
    drop(lock); // It ends with the connection that holds it.
    Ok(Report {
        applied: report.applied_migrations().iter().map(ToString::to_string).collect(),
        version: u32::try_from(version).unwrap_or_default(),
    })
}
