//! How mails leave: which server, which sender, which texts.

use std::path::PathBuf;
use std::str::FromStr;

use config::{ConfigError, Env, ExposeSecret, SecretRef, SecretString};
use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, TlsParameters};
use serde::Deserialize;

/// The port of mail servers for those who hand in mails (RFC 6409).
const USUAL_PORT: u16 = 587;

/// What a mailer is told at its start.
pub(crate) struct Settings {
    pub(crate) transport: Transport,
    /// The sender.
    pub(crate) from: Mailbox,
    /// Where clients reach the API, without a slash at the end: what links begin with.
    pub(crate) public_url: String,
    /// A folder of texts that take the place of ours.
    pub(crate) texts: Option<PathBuf>,
}

/// How mails leave.
pub(crate) enum Transport {
    /// Not at all: a dry run.
    Log,
    /// Through a mail server.
    Smtp(Server),
}

/// A mail server.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) tls: TlsParameters,
    pub(crate) credentials: SecretRef,
}

/// The names of the transports.
enum Named {
    Log,
    Smtp,
}

impl FromStr for Named {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "log" => Ok(Self::Log),
            "smtp" => Ok(Self::Smtp),
            _ => Err("must be smtp, or log for a dry run"),
        }
    }
}

impl Settings {
    pub(crate) fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let from: String =
            env.required("MAIL_FROM", "the sender, as Task manager <tasks@example.com>")?;
        let from = from.parse().map_err(|_| {
            ConfigError::new("MAIL_FROM", "must be of the form Task manager <tasks@example.com>")
        })?;
        let url: String = env.required("PUBLIC_URL", "where clients reach the API")?;
        let transport = match env.or("MAIL_TRANSPORT", Named::Smtp)? {
            Named::Log => Transport::Log,
            Named::Smtp => Transport::Smtp(Server::from_env(env)?),
        };
        Ok(Self {
            transport,
            from,
            public_url: url.trim_end_matches('/').to_owned(),
            texts: env.optional("MAIL_TEMPLATE_DIR")?,
        })
    }
}

impl Server {
    fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let host: String = env.required("SMTP_HOST", "the mail server's name")?;
        // The authority in the file and no other; without one the public authorities.
        let (named, authorities) = match env.file("SMTP_CA_FILE")? {
            Some(pem) => ("SMTP_CA_FILE", Some(pem)),
            None => ("SMTP_HOST", None),
        };
        let wrong = |why: String| ConfigError::new(named, why);
        let mut tls = TlsParameters::builder(host.clone()).certificate_store(match authorities {
            Some(_) => CertificateStore::None,
            None => CertificateStore::WebpkiRoots,
        });
        if let Some(pem) = authorities {
            let certificate =
                Certificate::from_pem(&pem).map_err(|_| wrong("is not in PEM".to_owned()))?;
            tls = tls.add_root_certificate(certificate);
        }
        Ok(Self {
            tls: tls.build().map_err(|error| wrong(error.to_string()))?,
            host,
            port: env.or("SMTP_PORT", USUAL_PORT)?,
            credentials: env.secret(
                "SMTP_CREDENTIALS",
                r#"{"username": …, "password": …} of the mail server"#,
            )?,
        })
    }
}

/// What a credentials secret holds. Further members are ignored.
#[derive(Deserialize)]
struct Stored {
    username: String,
    password: String,
}

/// Reads the secret's text.
pub(crate) fn credentials(text: &SecretString) -> Result<Credentials, String> {
    // serde's message may quote the text: it stays inside.
    let stored: Stored = serde_json::from_str(text.expose_secret()).map_err(|_| {
        r#"the credentials of the mail server are not of the form {"username": …, "password": …}"#
    })?;
    Ok(Credentials::new(stored.username, stored.password))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env() -> Env {
        Env::of([
            ("MAIL_FROM", "Task manager <tasks@example.com>"),
            ("PUBLIC_URL", "https://api.example.com/"),
            ("SMTP_HOST", "smtp.example.com"),
            ("SMTP_CREDENTIALS", r#"{"username":"mailer","password":"p"}"#),
        ])
    }

    fn refusal(env: &Env) -> String {
        Settings::from_env(env).err().map(|e| e.to_string()).unwrap_or_default()
    }

    #[test]
    fn wrong_settings_are_named() {
        assert_eq!(refusal(&env()), "");
        let with = |name: &str, value: &str| refusal(&env().with(name, value));
        assert!(with("MAIL_FROM", "nobody").starts_with("MAIL_FROM: must be of the form"));
        assert!(with("MAIL_TRANSPORT", "pigeon").starts_with("MAIL_TRANSPORT: must be smtp"));
        assert!(with("SMTP_HOST", "").starts_with("SMTP_HOST: is missing"));
        assert!(with("SMTP_PORT", "x").starts_with("SMTP_PORT: "));
        assert!(with("SMTP_CREDENTIALS", "").contains("SMTP_CREDENTIALS_ARN"));
        assert!(with("SMTP_CA_FILE", "/nowhere").starts_with("SMTP_CA_FILE: cannot be read"));
        assert!(with("PUBLIC_URL", "").starts_with("PUBLIC_URL: is missing"));
    }

    #[test]
    fn a_dry_run_needs_no_server() {
        let env = env().with("MAIL_TRANSPORT", "log").with("SMTP_HOST", "");
        assert_eq!(refusal(&env), "");
    }

    #[test]
    fn wrong_credentials_are_not_quoted() {
        let text = SecretString::from(r#"{"username":"u","pass":"hunter2"}"#);
        let why = credentials(&text).unwrap_err();
        assert!(why.contains("username") && !why.contains("hunter2"));
    }
}
