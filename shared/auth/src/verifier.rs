//! The verification of a token from beginning to end.

use std::sync::Arc;
use std::time::Duration;

use clock::Clock;

use crate::claims::Claims;
use crate::fetch::{self, Source};
use crate::store::Store;
use crate::token::{Purpose, Token};
use crate::{Caller, KeySet, KeyShelf, Logout, Reason, Refusal, Settings, SettingsError, bearer};

/// Tells who is calling, and who has signed out. Clones share one set of keys.
#[derive(Clone)]
pub struct Verifier {
    settings: Arc<Settings>,
    clock: Clock,
    store: Arc<Store>,
}

impl Verifier {
    /// A verifier without keys yet. Does nothing but look at the settings.
    pub fn new(
        settings: Settings,
        clock: Clock,
        shelf: Option<Arc<dyn KeyShelf>>,
    ) -> Result<Self, SettingsError> {
        Self::with_patience(fetch::TIMEOUT, settings, clock, shelf)
    }

    /// The same, waiting for the issuer for so long: tests do so on machines of any speed.
    pub(crate) fn with_patience(
        patience: Duration,
        settings: Settings,
        clock: Clock,
        shelf: Option<Arc<dyn KeyShelf>>,
    ) -> Result<Self, SettingsError> {
        let source = Source::new(&settings, patience)?;
        let store = Store::new(clock.clone(), source, settings.algorithms.clone(), shelf);
        Ok(Self { settings: Arc::new(settings), clock, store: Arc::new(store) })
    }

    /// Gets keys now, so that the first request need not, and waits until they are on the shelf.
    /// Without success it is left to that request.
    pub async fn warm_up(&self) {
        self.store.warm_up().await;
    }

    /// The caller, by the values of the request's `Authorization` header.
    pub async fn verify(&self, authorization: &[&str]) -> Result<Caller, Refusal> {
        let token = bearer::token(authorization)?;
        let claims = self.claims(token, Purpose::Access).await?;
        Ok(caller(&claims, &self.settings, self.clock.unix_seconds())?)
    }

    /// The end of a session, by the text of the logout token that the issuer sent.
    ///
    /// Whether that token came before is not known here: whoever acts on it remembers its `jti`.
    pub async fn verify_logout(&self, token: &str) -> Result<Logout, Refusal> {
        let claims = self.claims(token, Purpose::Logout).await?;
        Ok(Logout::of(&claims, &self.settings, self.clock.unix_seconds())?)
    }

    /// The claims of a token that is what it is taken for, and signed by the issuer.
    async fn claims(&self, token: &str, purpose: Purpose) -> Result<Claims, Refusal> {
        let token = Token::read(token, purpose, &self.settings)?;
        let keys = self.store.holding(&token.kid).await.ok_or(Refusal::Unavailable)?;
        Ok(signed(&token, &keys)?)
    }
}

/// Judges the text of a token by the given keys, at the given time in seconds since 1970.
pub fn judge(token: &str, keys: &KeySet, settings: &Settings, now: i64) -> Result<Caller, Reason> {
    caller(&signed(&Token::read(token, Purpose::Access, settings)?, keys)?, settings, now)
}

/// Judges the text of a logout token in the same way.
pub fn judge_logout(
    token: &str,
    keys: &KeySet,
    settings: &Settings,
    now: i64,
) -> Result<Logout, Reason> {
    Logout::of(&signed(&Token::read(token, Purpose::Logout, settings)?, keys)?, settings, now)
}

fn signed(token: &Token<'_>, keys: &KeySet) -> Result<Claims, Reason> {
    keys.check(token)?;
    Claims::read(&token.claims)
}

fn caller(claims: &Claims, settings: &Settings, now: i64) -> Result<Caller, Reason> {
    let life = claims.check(settings, now)?;
    Caller::of(claims, &life, settings)
}
