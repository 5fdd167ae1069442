//! What a mailbox is told at its start, and why it may refuse.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

/// How a mailbox is to run. The default: free ports on 127.0.0.1, no TLS, no password, no folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where mails are taken; a loopback address, port 0 picks a free one.
    pub smtp: SocketAddr,
    /// Where they are shown; a loopback address, port 0 picks a free one.
    pub web: SocketAddr,
    /// With these STARTTLS is offered, and AUTH only after it.
    pub tls: Option<TlsFiles>,
    /// With these a mail without AUTH is refused.
    pub credentials: Option<Credentials>,
    /// Where mails are kept between runs. It is made if it does not exist.
    pub dir: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self { smtp: any_port, web: any_port, tls: None, credentials: None, dir: None }
    }
}

/// The PEM files of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, and after it those that vouch for it.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// Who may send.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The name.
    pub username: String,
    /// The password.
    pub password: String,
}

/// Without the password: settings end up in messages about settings.
impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("username", &self.username).finish_non_exhaustive()
    }
}

/// Why a mailbox does not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It shows every mail to everybody who asks: nobody but this machine may reach it.
    #[error("{0} is not a loopback address; the mailbox listens nowhere else")]
    NotLoopback(SocketAddr),
    /// The address is taken.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Where it was to listen.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The system gives no thread or no timer.
    #[error("cannot start a thread to serve on: {0}")]
    Thread(std::io::Error),
    /// The certificate or the key cannot be used.
    #[error("cannot use {path} for TLS: {reason}", path = path.display())]
    Tls {
        /// The file at fault.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The folder of the mails cannot be read or written.
    #[error("cannot keep mails in {path}: {source}", path = path.display())]
    Folder {
        /// The folder, or the file in it.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}
