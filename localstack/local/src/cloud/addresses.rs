//! Where everything listens: the numbers of `localstack/cloud.env`, moved by `PORT_OFFSET`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use services::Ports;

/// The file that this reads and Docker Compose too.
const SETTINGS: &str = include_str!("../../../cloud.env");

/// All on 127.0.0.1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addresses {
    /// The gateway.
    pub api: u16,
    /// The issuer.
    pub auth: u16,
    /// The mail catcher's page.
    pub mail: u16,
    /// The mail catcher's SMTP.
    pub smtp: u16,
    /// Postgres itself.
    pub postgres: u16,
    /// The pooler.
    pub pgbouncer: u16,
    /// Redis.
    pub redis: u16,
    /// LocalStack.
    pub localstack: u16,
    /// The database's name.
    pub database: String,
    /// Who may send mails.
    pub smtp_user: String,
    /// With which password.
    pub smtp_password: String,
}

/// What is wrong with a setting.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Error(String);

impl Addresses {
    /// The usual ports, each higher by the offset.
    pub fn moved_by(offset: u16) -> Result<Self, Error> {
        Self::read(SETTINGS, offset)
    }

    fn read(settings: &str, offset: u16) -> Result<Self, Error> {
        let lines = settings.lines().filter(|line| !line.trim_start().starts_with('#'));
        let settings: BTreeMap<&str, &str> =
            lines.filter_map(|line| line.trim().split_once('=')).collect();
        let text = |name: &str| {
            let missing = || Error(format!("localstack/cloud.env: {name} is missing"));
            settings.get(name).copied().ok_or_else(missing)
        };
        let port = |name: &str| {
            let wrong = || Error(format!("localstack/cloud.env: {name} is no port"));
            let port: u16 = text(name)?.parse().map_err(|_| wrong())?;
            // Above, Linux takes ports for outgoing connections.
            port.checked_add(offset).filter(|port| *port < 32_768).ok_or_else(|| {
                Error(format!("PORT_OFFSET={offset} moves {name} too far: ports end at 32767"))
            })
        };
        let owned = |name: &str| text(name).map(str::to_owned);
        Ok(Self {
            api: port("API_PORT")?,
            auth: port("AUTH_PORT")?,
            mail: port("MAIL_PORT")?,
            smtp: port("SMTP_PORT")?,
            postgres: port("POSTGRES_PORT")?,
            pgbouncer: port("PGBOUNCER_PORT")?,
            redis: port("REDIS_PORT")?,
            localstack: port("LOCALSTACK_PORT")?,
            database: owned("DATABASE_NAME")?,
            smtp_user: owned("SMTP_USER")?,
            smtp_password: owned("SMTP_PASSWORD")?,
        })
    }

    /// The ports of the services.
    pub const fn services(&self) -> Ports {
        Ports {
            postgres: self.postgres,
            pgbouncer: self.pgbouncer,
            redis: self.redis,
            localstack: self.localstack,
        }
    }

    /// All ports, with the names of what listens there.
    pub const fn all(&self) -> [(&'static str, u16); 8] {
        [
            ("the API", self.api),
            ("the issuer", self.auth),
            ("the mail catcher's page", self.mail),
            ("the mail catcher", self.smtp),
            ("postgres", self.postgres),
            ("pgbouncer", self.pgbouncer),
            ("redis", self.redis),
            ("localstack", self.localstack),
        ]
    }

    /// Where clients reach the API.
    pub fn api_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.api)
    }

    /// The issuer, as tokens name it.
    pub fn issuer(&self) -> String {
        format!("http://127.0.0.1:{}/realms/task-manager", self.auth)
    }

    /// Where tokens are to be had.
    pub fn token_url(&self) -> String {
        format!("{}/protocol/openid-connect/token", self.issuer())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_ports_are_the_usual_ones_and_move_together() {
        let usual = Addresses::moved_by(0).unwrap();
        assert_eq!((usual.api, usual.auth, usual.mail), (8000, 8080, 8025));
        let moved = Addresses::moved_by(100).unwrap();
        for ((name, at), (_, moved)) in usual.all().into_iter().zip(moved.all()) {
            assert_eq!(at + 100, moved, "{name}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let error = Addresses::moved_by(30_000).unwrap_err().to_string();
        assert!(error.starts_with("PORT_OFFSET=30000 moves"), "{error}");
        let error = Addresses::read("API_PORT=web", 0).unwrap_err().to_string();
        assert_eq!(error, "localstack/cloud.env: API_PORT is no port");
        let error = Addresses::read("# API_PORT=1", 0).unwrap_err().to_string();
        assert_eq!(error, "localstack/cloud.env: API_PORT is missing");
    }
}
