//! Where keys survive the process.

use futures_util::future::BoxFuture;

/// Keeps the last good key set, so that a cold start during an outage of the issuer has keys.
///
/// Whoever can write there can make tokens: it must be as trusted as the database, not a cache.
pub trait KeyShelf: Send + Sync {
    /// What was kept last, if anything.
    fn load(&self) -> BoxFuture<'_, Option<Shelved>>;

    /// Keeps a set in place of the last one, as of now. May fail silently: it is tried again.
    fn keep(&self, json: &str) -> BoxFuture<'_, ()>;
}

/// A key set from the shelf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shelved {
    /// The set, as it was given to `keep`.
    pub json: String,
    /// When it was kept, in seconds since 1970.
    pub kept_at_unix: i64,
}
