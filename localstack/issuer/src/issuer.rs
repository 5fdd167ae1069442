//! The handle that tests and the program hold.

use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::backchannel::{self, Callee};
use crate::keys::{Alg, KeyError};
use crate::mappers::Subject;
use crate::person::Person;
use crate::realm::{Client, Realm};
use crate::scopes::Granted;
use crate::state::State;
use crate::{http, tokens};

/// A running issuer. Clones are the same issuer; it stops when the last one is dropped.
#[derive(Clone)]
pub struct Issuer {
    state: Arc<State>,
    server: Arc<Server>,
}

/// Why an issuer does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its passwords are public: nobody but this machine may reach it.
    #[error("{0} is not a loopback address; the development issuer listens nowhere else")]
    NotLoopback(SocketAddr),
    /// The address is taken, or no thread could be started.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Where it was to listen.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The crypto library made no key.
    #[error("cannot make a key: {0}")]
    Keys(String),
}

struct Server {
    /// Dropped with the last handle, which ends the thread.
    _stop: oneshot::Sender<()>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Issuer {
    /// Listens on a loopback address (port 0 picks one) and serves on a thread with a runtime of
    /// its own: one issuer outlives the runtimes of the tests that share it.
    pub fn start(realm: Realm, address: SocketAddr) -> Result<Self, StartError> {
        Self::with_patience(backchannel::TIMEOUT, realm, address)
    }

    /// The same, waiting so long for a client to hear of a logout: tests do so on machines of any
    /// speed.
    pub(crate) fn with_patience(
        patience: Duration,
        realm: Realm,
        address: SocketAddr,
    ) -> Result<Self, StartError> {
        if !address.ip().is_loopback() {
            return Err(StartError::NotLoopback(address));
        }
        let failed = |source| StartError::Listen { address, source };
        let listener = TcpListener::bind(address).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let bound = listener.local_addr().map_err(failed)?;
        let url = format!("http://{bound}/realms/{}", realm.name);
        let state = State::new(realm, url, patience);
        let state = Arc::new(state.map_err(|error| StartError::Keys(error.to_string()))?);
        let router = http::router(Arc::clone(&state));
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let (stop, stopped) = oneshot::channel();
        let serve = async move {
            let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
            tokio::select! {
                _ = axum::serve(listener, router) => {}
                _ = stopped => {}
            }
        };
        let thread = std::thread::Builder::new()
            .name("issuer".to_owned())
            .spawn(move || runtime.block_on(serve))
            .map_err(failed)?;
        let server = Server { _stop: stop, thread: Mutex::new(Some(thread)) };
        Ok(Self { state, server: Arc::new(server) })
    }

    /// Returns only if the server ends, which nothing but a fault makes it do.
    pub(crate) fn wait(&self) {
        let thread = self.server.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }

    /// The `iss` of its tokens: `http://127.0.0.1:PORT/realms/task-manager`.
    pub fn url(&self) -> &str {
        &self.state.url
    }

    /// Where its public keys are.
    pub fn jwks_url(&self) -> String {
        format!("{}/protocol/openid-connect/certs", self.state.url)
    }

    /// Where its tokens are.
    pub fn token_url(&self) -> String {
        format!("{}/protocol/openid-connect/token", self.state.url)
    }

    /// How often somebody asked for the public keys, answered or not.
    pub fn jwks_fetches(&self) -> u64 {
        self.state.jwks_fetches.load(Ordering::Relaxed)
    }

    /// The public keys, as the URL would answer, uncounted.
    pub fn jwks_json(&self) -> Value {
        self.state.keys().jwks()
    }

    /// The public half of the RSA key that signs now.
    pub fn public_pem(&self) -> String {
        self.state.keys().public_pem()
    }

    /// Signs with a new RSA key from now on; tokens of the old one stay valid.
    pub fn rotate(&self) {
        must(self.state.keys().rotate().map(drop));
    }

    /// Drops the keys that no longer sign: their tokens are invalid.
    pub fn retire(&self) {
        self.state.keys().retire();
    }

    /// Adds a key to the JWKS; [`Issuer::sign`] uses it for headers with this `alg`.
    pub fn add_key(&self, alg: Alg) {
        must(self.state.keys().add(alg));
    }

    /// `false`: every URL of the realm answers 503 until it is `true` again.
    pub fn set_answering(&self, answering: bool) {
        self.state.answering.store(answering, Ordering::Relaxed);
    }

    /// From now on a logout that ends a session is told to the session's client, as Keycloak does
    /// it: at `url`, or with `None` where the realm says. Before the first call of this nobody is
    /// told, because the API that the realm means may be another one than the test's. A client
    /// without an URL in the realm is never told.
    pub fn set_logout_url(&self, url: Option<String>) {
        *self.state.callee() = url.map_or(Callee::OfTheRealm, Callee::At);
    }

    /// An access token, by the code of the password grant, for a person of the caller's own.
    pub fn mint(&self, person: &Person) -> String {
        self.sign(&json!({}), &self.claims_of(person))
    }

    /// The claims that [`Issuer::mint`] signs.
    pub fn claims_of(&self, person: &Person) -> Value {
        self.with(person, |subject| tokens::access(&self.state, subject))
    }

    /// The claims of an ID token for the same person, for tests that send the wrong token.
    pub fn id_claims_of(&self, person: &Person) -> Value {
        self.with(person, |subject| tokens::id(&self.state, subject, ""))
    }

    /// A logout token, as a session's client gets it when the session ends.
    pub fn mint_logout(&self, person: &Person) -> String {
        must(tokens::sign_logout(&self.state, &self.logout_claims_of(person)))
    }

    /// The claims that [`Issuer::mint_logout`] signs: with `sid` if the realm says that the client
    /// wants it.
    pub fn logout_claims_of(&self, person: &Person) -> Value {
        self.with(person, |subject| tokens::logout(&self.state, subject.client, person))
    }

    /// Signs any header and claims. What the header does not mention is added: `alg` (RS256),
    /// `kid`, `typ` (JWT); what it sets to null is left out. `alg` chooses the key: ES256 and PS256
    /// get one at first use, `none` gets no signature, HS256 is keyed with
    /// [`Issuer::public_pem`], which is the classic confusion.
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        must(self.state.keys().sign(header, claims))
    }

    fn with<T>(&self, person: &Person, make: impl FnOnce(Subject<'_>) -> T) -> T {
        let realm = &self.state.realm;
        let plain;
        let client = if let Some(known) = realm.client(&person.client) {
            known
        } else {
            plain = Client::plain(&person.client, realm);
            &plain
        };
        let granted = Granted::force(client, &person.scope);
        make(Subject { realm, client, person, granted: &granted })
    }
}

impl std::fmt::Debug for Issuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issuer").field("url", &self.state.url).finish_non_exhaustive()
    }
}

#[expect(clippy::expect_used, reason = "a key made by this process signs, or the test must stop")]
fn must<T>(result: Result<T, KeyError>) -> T {
    result.expect("the crypto library makes keys and signs with them")
}
