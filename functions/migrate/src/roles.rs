//! The roles of the cluster. They belong to no database, so no migration can hold them.

use config::Secrets;
use db::{ClusterError, Credentials};
use postgres_protocol::password::scram_sha_256;
use tokio_postgres::Client;

use crate::error::Error;
use crate::settings::Settings;

/// Owns every object, and cannot log in.
const OWNER: &str = "
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'app_owner') THEN
        CREATE ROLE app_owner NOLOGIN;
    END IF;
    EXECUTE format('GRANT CREATE, CONNECT ON DATABASE %I TO app_owner', current_database());
END $$;
GRANT app_owner TO CURRENT_USER;
CREATE SCHEMA IF NOT EXISTS app AUTHORIZATION app_owner;
";

/// The limits of a role's sessions. With the role and not with the connection: a pooler refuses
/// start-up options, and a SET would outlive its transaction.
const API_LIMITS: &str = "
ALTER ROLE {role} SET statement_timeout = '3s';
ALTER ROLE {role} SET lock_timeout = '2s';
ALTER ROLE {role} SET idle_in_transaction_session_timeout = '5s';
ALTER ROLE {role} SET timezone = 'UTC';
-- Compiling a plan takes longer than any of these statements may.
ALTER ROLE {role} SET jit = off;
";

/// Migrations may take long, but must not make others wait long for a lock.
const MIGRATE_RIGHTS: &str = "
GRANT app_owner TO migrate;
ALTER ROLE migrate SET lock_timeout = '5s';
ALTER ROLE migrate SET search_path = app;
ALTER ROLE migrate SET timezone = 'UTC';
";

/// Makes the roles that are missing, and brings all of them to their settings and passwords.
#[expect(clippy::disallowed_methods, reason = "a connection of its own, not a pooled one")]
pub(crate) async fn ensure(
    client: &Client,
    settings: &Settings,
    secrets: &Secrets,
) -> Result<(), Error> {
    client.batch_execute(OWNER).await?;
    for (role, secret) in &settings.roles {
        let credentials = Credentials::read(secrets, secret).await?;
        if credentials.username != *role {
            let why = format!("the secret of the role {role} names another user");
            return Err(ClusterError::Credentials(why).into());
        }
        // Base64 and digits: nothing in a verifier needs quoting.
        let verifier = scram_sha_256(credentials.password.expose().as_bytes());
        client
            .batch_execute(&format!(
                "DO $$ BEGIN
                    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN
                        CREATE ROLE {role} LOGIN;
                    END IF;
                END $$;
                ALTER ROLE {role} LOGIN PASSWORD '{verifier}';"
            ))
            .await?;
        let settings = if *role == "migrate" { MIGRATE_RIGHTS } else { API_LIMITS };
        client.batch_execute(&settings.replace("{role}", role)).await?;
    }
    Ok(())
}
