//! Those outside the system that it works with: who signs people in, and who takes its mails.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use issuer::{Issuer, Realm};
use mailbox::{Credentials, Mailbox, Settings, TlsFiles};
use services::{Folder, checkout};

use super::{Addresses, Failed, Home, Terminal};

/// The name of the secret with which functions sign in to the mail catcher.
pub(super) const SMTP_SECRET: &str = "task-manager/smtp";

/// What it takes to be known to them, for Secrets Manager.
pub fn secrets(addresses: &Addresses) -> BTreeMap<String, services::Credentials> {
    let mailer = services::Credentials {
        username: addresses.smtp_user.clone(),
        password: addresses.smtp_password.clone(),
    };
    [(SMTP_SECRET.to_owned(), mailer)].into()
}

/// Both end when they are dropped.
pub(super) struct Neighbours {
    _issuer: Issuer,
    _mailbox: Mailbox,
}

impl Neighbours {
    pub(super) fn start(
        addresses: &Addresses,
        home: &Home,
        folder: &Folder,
        terminal: &Terminal,
    ) -> Result<Self, Failed> {
        let Addresses { auth, mail, smtp, .. } = addresses;
        let realm = Realm::read(checkout().join("localstack/keycloak/task-manager-realm.json"))?;
        let issuer = Issuer::start(realm, loopback(*auth))?;
        issuer.set_logout_url(Some(format!("{}/oidc/backchannel-logout", addresses.api_url())));
        terminal.say(format_args!("issuer: ready on 127.0.0.1:{auth}"));

        // It demands TLS and a password, as a real server does; its certificate is that of Postgres.
        let certificates = folder.certificates()?;
        let mailbox = Mailbox::start(Settings {
            smtp: loopback(*smtp),
            web: loopback(*mail),
            tls: Some(TlsFiles {
                certificate: certificates.certificate_file,
                key: certificates.key_file,
            }),
            credentials: Some(Credentials {
                username: addresses.smtp_user.clone(),
                password: addresses.smtp_password.clone(),
            }),
            dir: Some(home.mails()),
        })?;
        terminal.say(format_args!("mails: ready on 127.0.0.1:{mail}, SMTP :{smtp}"));
        Ok(Self { _issuer: issuer, _mailbox: mailbox })
    }
}

fn loopback(port: u16) -> SocketAddr {
    ([127, 0, 0, 1], port).into()
}
