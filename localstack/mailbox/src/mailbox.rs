//! The handle that tests and the program hold.

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::oneshot;
use uuid::Uuid;

use crate::behaviour::{Behaviour, BehaviourError};
use crate::files::Folder;
use crate::mail::Mail;
use crate::settings::{Error, Settings};
use crate::shared::Shared;
use crate::store::Store;
use crate::{smtp, tls, web};

/// A running mailbox. Clones are the same mailbox; it stops when the last one is dropped.
#[derive(Clone)]
pub struct Mailbox {
    shared: Arc<Shared>,
    server: Arc<Server>,
    url: String,
}

/// The thread that serves. Ends with its last handle: then the ports are free again.
struct Server {
    stop: Mutex<Option<oneshot::Sender<()>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Mailbox {
    /// Listens on loopback addresses and serves on a thread with a runtime of its own: one mailbox
    /// outlives the runtimes of the tests that share it.
    pub fn start(settings: Settings) -> Result<Self, Error> {
        let smtp_listener = listen(settings.smtp)?;
        let web_listener = listen(settings.web)?;
        let address = |listener: &TcpListener, asked| {
            listener.local_addr().map_err(|source| Error::Listen { address: asked, source })
        };
        let smtp = address(&smtp_listener, settings.smtp)?;
        let url = format!("http://{}", address(&web_listener, settings.web)?);
        let acceptor = settings.tls.as_ref().map(tls::acceptor).transpose()?;
        // After the addresses: a second program on the same folder stops at those.
        let store = Store::open(settings.dir.map(Folder::new).transpose()?)?;
        let shared = Arc::new(Shared::new(smtp, store, acceptor, settings.credentials));

        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Error::Thread)?;
        let router = web::router(Arc::clone(&shared));
        let mail_server = Arc::clone(&shared);
        let (stop, stopped) = oneshot::channel();
        let serve = async move {
            let (Ok(smtp), Ok(web)) = (
                tokio::net::TcpListener::from_std(smtp_listener),
                tokio::net::TcpListener::from_std(web_listener),
            ) else {
                return;
            };
            tokio::select! {
                () = smtp::serve(smtp, mail_server) => {}
                _ = axum::serve(web, router) => {}
                _ = stopped => {}
            }
        };
        let thread = std::thread::Builder::new()
            .name("mailbox".to_owned())
            .spawn(move || runtime.block_on(serve))
            .map_err(Error::Thread)?;
        let server = Server { stop: Mutex::new(Some(stop)), thread: Mutex::new(Some(thread)) };
        Ok(Self { shared, server: Arc::new(server), url })
    }

    /// Where mails are taken.
    pub fn smtp_address(&self) -> SocketAddr {
        self.shared.smtp
    }

    /// Where they are shown: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// All mails, the newest first.
    pub fn mails(&self) -> Vec<Arc<Mail>> {
        self.shared.store.list()
    }

    /// One mail, if it is still there.
    pub fn mail(&self, id: Uuid) -> Option<Arc<Mail>> {
        self.shared.store.get(id)
    }

    /// Removes a mail, from the folder too. `false`: it was not there.
    pub fn delete(&self, id: Uuid) -> std::io::Result<bool> {
        self.shared.store.remove(id)
    }

    /// Removes all mails, from the folder too.
    pub fn delete_all(&self) -> std::io::Result<()> {
        self.shared.store.clear()
    }

    /// How the mail server behaves now: `times` is what is left of it.
    pub fn behaviour(&self) -> Behaviour {
        self.shared.behaviours.get()
    }

    /// Makes the mail server behave so from now on.
    pub fn set_behaviour(&self, behaviour: Behaviour) -> Result<(), BehaviourError> {
        self.shared.behaviours.set(behaviour)
    }

    /// Makes the mail server behave normally again. Answers that are held back come now.
    pub fn reset_behaviour(&self) {
        self.shared.behaviours.reset();
    }

    /// Stops, for all clones. When this returns, the ports are free and the folder is at rest.
    pub fn stop(&self) {
        self.server.stop();
    }

    /// Returns when the mailbox stops, which without [`Mailbox::stop`] only a fault makes it do.
    pub(crate) fn wait(&self) {
        self.server.wait();
    }
}

impl Server {
    fn stop(&self) {
        drop(self.stop.lock().unwrap_or_else(PoisonError::into_inner).take());
        self.wait();
    }

    fn wait(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

impl std::fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut mailbox = f.debug_struct("Mailbox");
        mailbox.field("smtp", &self.shared.smtp).field("url", &self.url).finish_non_exhaustive()
    }
}

fn listen(address: SocketAddr) -> Result<TcpListener, Error> {
    if !address.ip().is_loopback() {
        return Err(Error::NotLoopback(address));
    }
    let failed = |source| Error::Listen { address, source };
    let listener = TcpListener::bind(address).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    Ok(listener)
}
