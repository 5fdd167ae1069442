//! An issuer that counts how often it is asked for its keys.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::jwks;
use super::signer::Signer;

/// Serves one answer at every path.
pub(super) struct Issuer {
    pub(super) address: String,
    inner: Arc<Inner>,
    task: JoinHandle<()>,
}

/// What a client gets: status, body, and where to go instead.
type Answer = (u16, String, Option<String>);

struct Inner {
    answer: Mutex<Answer>,
    fetches: AtomicUsize,
    open: watch::Sender<bool>,
}

impl Issuer {
    /// An issuer with these keys.
    pub(super) async fn with(signers: &[&Signer]) -> Self {
        let inner = Arc::new(Inner {
            answer: Mutex::new((200, jwks(signers), None)),
            fetches: AtomicUsize::new(0),
            open: watch::Sender::new(true),
        });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&inner));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/certs", listener.local_addr().unwrap());
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, inner, task }
    }

    /// How often it was asked.
    pub(super) fn fetches(&self) -> usize {
        self.inner.fetches.load(Ordering::SeqCst)
    }

    /// Publishes these keys from now on.
    pub(super) fn publish(&self, signers: &[&Signer]) {
        self.answer(200, jwks(signers));
    }

    /// Gives that answer from now on.
    pub(super) fn answer(&self, status: u16, body: impl Into<String>) {
        *self.inner.answer.lock().unwrap() = (status, body.into(), None);
    }

    /// Sends everybody elsewhere from now on.
    pub(super) fn redirect(&self, to: &str) {
        *self.inner.answer.lock().unwrap() = (302, String::new(), Some(to.to_owned()));
    }

    /// Takes questions, but answers none until `resume`.
    pub(super) fn hold(&self) {
        self.inner.open.send_replace(false);
    }

    pub(super) fn resume(&self) {
        self.inner.open.send_replace(true);
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(State(inner): State<Arc<Inner>>) -> Response {
    inner.fetches.fetch_add(1, Ordering::SeqCst);
    inner.open.subscribe().wait_for(|open| *open).await.unwrap();
    let (status, body, location) = inner.answer.lock().unwrap().clone();
    let mut response = Response::builder().status(status);
    if let Some(location) = location {
        response = response.header("location", location);
    }
    response.body(Body::from(body)).unwrap()
}
