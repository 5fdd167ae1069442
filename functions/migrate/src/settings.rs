//! Where the database is, and everybody's credentials.

use std::path::PathBuf;

use config::{ConfigError, Env, SecretRef};

/// The roles that log in. Four and not one per function: a pooler cannot share a connection
/// between users, so each role is a pool of its own.
pub(crate) const LOGIN_ROLES: [&str; 4] = ["api_read", "api_write", "worker", "migrate"];

/// The settings of `migrate`.
pub struct Settings {
    /// The writer itself, without credentials.
    pub(crate) address: tokio_postgres::Config,
    /// The certificate authority to trust, if not the public ones.
    pub(crate) ca_file: Option<PathBuf>,
    /// The master user's credentials.
    pub(crate) admin: SecretRef,
    /// The credentials of each login role.
    pub(crate) roles: Vec<(&'static str, SecretRef)>,
}

impl Settings {
    /// Reads the settings.
    pub fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let what = "the writer itself, as postgres://host:port/database";
        let credentials = r#"{"username": …, "password": …}"#;
        let secret = |role: &str| {
            env.secret(&format!("DATABASE_{}_CREDENTIALS", role.to_uppercase()), credentials)
        };
        let mut roles = Vec::new();
        for role in LOGIN_ROLES {
            roles.push((role, secret(role)?));
        }
        Ok(Self {
            address: env.required("DATABASE_URL", what)?,
            ca_file: env.optional("DATABASE_CA_FILE")?,
            admin: secret("admin")?,
            roles,
        })
    }
}
