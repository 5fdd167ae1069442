//! Whether a caller's token still counts: what a handler touches must be able to tell.

use config::Deps;
use db::{Db, DbError, Identity, Role, Told};

/// What a handler is given, and can tell how a caller stands.
pub trait Judge: Deps {
    /// Whether it can tell how a caller stands. A route that asks who is calling needs that.
    const KNOWS_STANDING: bool;

    /// Makes a caller known, and refuses one whose token does not count any more.
    fn greet(
        &self,
        caller: &Identity<'_>,
    ) -> impl Future<Output = Result<Told<()>, DbError>> + Send;

    /// The place where signing keys survive an outage of the issuer, if there is one.
    fn key_shelf(&self, issuer: &str) -> Option<std::sync::Arc<dyn auth::KeyShelf>>;
}

impl Judge for () {
    const KNOWS_STANDING: bool = false;

    async fn greet(&self, _: &Identity<'_>) -> Result<Told<()>, DbError> {
        Ok(Told { value: (), state: None, reached: None })
    }

    fn key_shelf(&self, _: &str) -> Option<std::sync::Arc<dyn auth::KeyShelf>> {
        None
    }
}

impl<R: Role> Judge for Db<R>
where
    crate::shelf::Shelf<R>: auth::KeyShelf,
{
    const KNOWS_STANDING: bool = true;

    async fn greet(&self, caller: &Identity<'_>) -> Result<Told<()>, DbError> {
        self.greet(caller).await
    }

    fn key_shelf(&self, issuer: &str) -> Option<std::sync::Arc<dyn auth::KeyShelf>> {
        Some(std::sync::Arc::new(crate::shelf::Shelf::new(self.clone(), issuer)))
    }
}

/// The first one tells, the other is something else that the handler touches.
impl<J: Judge, D: Deps> Judge for (J, D) {
    const KNOWS_STANDING: bool = J::KNOWS_STANDING;

    async fn greet(&self, caller: &Identity<'_>) -> Result<Told<()>, DbError> {
        self.0.greet(caller).await
    }

    fn key_shelf(&self, issuer: &str) -> Option<std::sync::Arc<dyn auth::KeyShelf>> {
        self.0.key_shelf(issuer)
    }
}
