//! What the handle, the mail server and the web server share.

use std::net::SocketAddr;

use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use crate::behaviour::Behaviours;
use crate::settings::Credentials;
use crate::smtp::MAX_CONNECTIONS;
use crate::store::Store;

pub(crate) struct Shared {
    /// Where mails are taken; the page says it.
    pub(crate) smtp: SocketAddr,
    pub(crate) store: Store,
    pub(crate) behaviours: Behaviours,
    pub(crate) tls: Option<TlsAcceptor>,
    pub(crate) credentials: Option<Credentials>,
    /// One permit for each connection of the mail server.
    pub(crate) connections: Semaphore,
}

impl Shared {
    pub(crate) fn new(
        smtp: SocketAddr,
        store: Store,
        tls: Option<TlsAcceptor>,
        credentials: Option<Credentials>,
    ) -> Self {
        Self {
            smtp,
            store,
            behaviours: Behaviours::default(),
            tls,
            credentials,
            connections: Semaphore::new(MAX_CONNECTIONS),
        }
    }
}
