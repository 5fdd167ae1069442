//! The settings of token verification.

use auth::{Alg, SettingsError};
use config::{ConfigError, Env, Stage};

/// Reads them. Only the local stage may fetch keys over plain HTTP.
pub(crate) fn read(env: &Env, stage: Stage) -> Result<auth::Settings, ConfigError> {
    let what = "the issuer of tokens, https://<host>/realms/<realm>";
    let issuer: String = env.required("AUTH_ISSUER", what)?;
    let keys = format!("{}/protocol/openid-connect/certs", issuer.trim_end_matches('/'));
    let audiences = env.list("AUTH_AUDIENCES");
    if audiences.is_empty() {
        let why = "is missing: the audiences that tokens may be for, separated by commas";
        return Err(ConfigError::new("AUTH_AUDIENCES", why));
    }
    let algorithms = env
        .list("AUTH_ALGORITHMS")
        .iter()
        .map(|name| name.parse().map_err(|why: &str| ConfigError::new("AUTH_ALGORITHMS", why)))
        .collect::<Result<Vec<Alg>, _>>()?;
    Ok(auth::Settings {
        issuer,
        jwks_url: env.or("AUTH_JWKS_URL", keys)?,
        logout_audiences: env.list("AUTH_LOGOUT_AUDIENCES"),
        plain_logout_type: env.or("AUTH_LOGOUT_TYPE_JWT", false)?,
        logout_ends_all: env.or("LOGOUT_REVOKES_USER", false)?,
        role_clients: audiences.clone(),
        audiences,
        authorized_parties: env.list("AUTH_AUTHORIZED_PARTIES"),
        algorithms: if algorithms.is_empty() { vec![Alg::Rs256] } else { algorithms },
        role_map: env.or("ROLE_PERMISSIONS", domain::RoleMap::default())?,
        http_allowed: stage == Stage::Local,
        ca_pem: env.file("AUTH_CA_FILE")?,
    })
}

/// Which setting a complaint of the verifier is about.
pub(crate) fn name(error: &SettingsError) -> ConfigError {
    let name = match error {
        SettingsError::NoIssuer => "AUTH_ISSUER",
        SettingsError::NoAudience => "AUTH_AUDIENCES",
        SettingsError::NoAlgorithm => "AUTH_ALGORITHMS",
        SettingsError::Address | SettingsError::PlainHttp => "AUTH_JWKS_URL",
        SettingsError::Authorities(_) => "AUTH_CA_FILE",
    };
    ConfigError::new(name, error.to_string())
}
