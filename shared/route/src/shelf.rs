//! Where signing keys survive an outage of the issuer: beside the data, in Postgres.

use auth::{KeyShelf, Shelved};
use db::{Db, Read, Role, Write};
use futures_util::future::BoxFuture;

/// The shelf of one issuer, as a login role reaches it.
pub struct Shelf<R> {
    db: Db<R>,
    issuer: String,
}

impl<R: Role> Shelf<R> {
    pub(crate) fn new(db: Db<R>, issuer: &str) -> Self {
        Self { db, issuer: issuer.to_owned() }
    }

    async fn kept(&self) -> Option<Shelved> {
        let kept = self.db.kept_keys(&self.issuer).await.ok()??;
        Some(Shelved { json: kept.json, kept_at_unix: kept.kept_at })
    }
}

impl KeyShelf for Shelf<Read> {
    fn load(&self) -> BoxFuture<'_, Option<Shelved>> {
        Box::pin(self.kept())
    }

    /// Readers keep nothing: the database does not let them.
    fn keep(&self, _: &str) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

impl KeyShelf for Shelf<Write> {
    fn load(&self) -> BoxFuture<'_, Option<Shelved>> {
        Box::pin(self.kept())
    }

    fn keep(&self, json: &str) -> BoxFuture<'_, ()> {
        let json = json.to_owned();
        Box::pin(async move {
            if let Err(error) = self.db.keep_keys(&self.issuer, &json).await {
                tracing::warn!(target: telemetry::TARGET, %error, "the key set was not kept");
            }
        })
    }
}
