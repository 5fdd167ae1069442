//! Where the database is, and everybody's credentials.

use config::{ConfigError, Env, SecretRef};
use db::Direct;

/// The roles that log in. Four and not one per function: a pooler cannot share a connection
/// between users, so each role is a pool of its own.
pub(crate) const LOGIN_ROLES: [&str; 4] = ["api_read", "api_write", "worker", "migrate"];

/// The settings of `migrate`.
pub struct Settings {
    /// The writer itself, without credentials.
    pub(crate) writer: Direct,
    /// The master user's credentials.
    pub(crate) admin: SecretRef,
    /// The credentials of each login role.
    pub(crate) roles: Vec<(&'static str, SecretRef)>,
}

impl Settings {
    /// Reads the settings.
    pub fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let credentials = r#"{"username": …, "password": …}"#;
        let secret = |role: &str| {
            env.secret(&format!("DATABASE_{}_CREDENTIALS", role.to_uppercase()), credentials)
        };
        let mut roles = Vec::new();
        for role in LOGIN_ROLES {
            roles.push((role, secret(role)?));
        }
        Ok(Self { writer: Direct::from_env(env, "DATABASE_URL")?, admin: secret("admin")?, roles })
    }
}
