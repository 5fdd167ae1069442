//! What the handle and the server share.

use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_lc_rs::rand;

use crate::backchannel::Callee;
use crate::keys::{KeyError, Keys};
use crate::realm::Realm;
use crate::sessions::Sessions;

pub(crate) struct State {
    pub(crate) realm: Realm,
    /// `http://127.0.0.1:8080/realms/task-manager`: the `iss` of every token.
    pub(crate) url: String,
    /// Signs refresh tokens, which only this issuer reads.
    pub(crate) refresh_secret: [u8; 64],
    /// How long a client may take to hear of a logout.
    pub(crate) patience: Duration,
    pub(crate) answering: AtomicBool,
    pub(crate) jwks_fetches: AtomicU64,
    keys: Mutex<Keys>,
    sessions: Mutex<Sessions>,
    callee: Mutex<Callee>,
}

impl State {
    pub(crate) fn new(realm: Realm, url: String, patience: Duration) -> Result<Self, KeyError> {
        let mut refresh_secret = [0; 64];
        rand::fill(&mut refresh_secret)?;
        Ok(Self {
            realm,
            url,
            refresh_secret,
            patience,
            answering: AtomicBool::new(true),
            jwks_fetches: AtomicU64::new(0),
            keys: Mutex::new(Keys::generate()?),
            sessions: Mutex::default(),
            callee: Mutex::default(),
        })
    }

    pub(crate) fn keys(&self) -> MutexGuard<'_, Keys> {
        lock(&self.keys)
    }

    pub(crate) fn sessions(&self) -> MutexGuard<'_, Sessions> {
        lock(&self.sessions)
    }

    /// Who is told of a logout.
    pub(crate) fn callee(&self) -> MutexGuard<'_, Callee> {
        lock(&self.callee)
    }
}

/// One test's panic must not fail every other test that shares the issuer.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
