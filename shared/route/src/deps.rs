//! What a handler may touch. The type decides the settings and rights that a function gets.

use config::{ConfigError, Env, Secrets};
use db::{Db, DbError, Identity, Role, Told};

/// Something that a function needs to be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// To verify tokens.
    Auth,
    /// To verify logout tokens, too. Whom the issuer makes them out to has to be said: to the clients,
    /// and not to the API.
    Logout,
    /// Redis.
    Cache,
    /// The database, as the login role of that name.
    Database(&'static str),
}

impl Need {
    /// The settings that must be there.
    pub const fn required(self) -> &'static [&'static str] {
        match self {
            Self::Auth => &["AUTH_ISSUER", "AUTH_AUDIENCES"],
            Self::Logout => &["AUTH_LOGOUT_AUDIENCES"],
            Self::Cache => &["REDIS_URL"],
            Self::Database(_) => &["DATABASE_URL", "DATABASE_CREDENTIALS_ARN"],
        }
    }

    /// The settings that may be there.
    pub const fn optional(self) -> &'static [&'static str] {
        match self {
            Self::Auth => &[
                "AUTH_ALGORITHMS",
                "AUTH_AUTHORIZED_PARTIES",
                "AUTH_CA_FILE",
                "AUTH_JWKS_URL",
                "ROLE_PERMISSIONS",
            ],
            Self::Logout => &["AUTH_LOGOUT_TYPE_JWT", "LOGOUT_REVOKES_USER"],
            Self::Cache => &[
                "CACHE_LIST_SECONDS",
                "CACHE_TASK_SECONDS",
                "RATE_LIMITS",
                "REDIS_CALL_MS",
                "REDIS_CA_FILE",
                "REDIS_CLUSTER",
                "REDIS_CREDENTIALS_ARN",
            ],
            Self::Database(_) => &["DATABASE_CA_FILE", "DATABASE_READER_URL"],
        }
    }
}

/// What a handler is given.
pub trait Deps: Sized + Send + Sync + 'static {
    /// Adds what it needs.
    fn needs(needs: &mut Vec<Need>);

    /// Prepares it from the settings; connects to nothing yet.
    fn prepare(env: &Env, secrets: &Secrets) -> Result<Self, ConfigError>;

    /// Connects, as far as that is possible now.
    fn warm_up(&self) -> impl Future<Output = ()> + Send;

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

/// Nothing at all.
impl Deps for () {
    fn needs(_: &mut Vec<Need>) {}

    fn prepare(_: &Env, _: &Secrets) -> Result<Self, ConfigError> {
        Ok(())
    }

    async fn warm_up(&self) {}

    const KNOWS_STANDING: bool = false;

    async fn greet(&self, _: &Identity<'_>) -> Result<Told<()>, DbError> {
        Ok(Told { value: (), state: None, reached: None })
    }

    fn key_shelf(&self, _: &str) -> Option<std::sync::Arc<dyn auth::KeyShelf>> {
        None
    }
}

impl<R: Role> Deps for Db<R>
where
    crate::shelf::Shelf<R>: auth::KeyShelf,
{
    fn needs(needs: &mut Vec<Need>) {
        needs.push(Need::Database(R::NAME));
    }

    fn prepare(env: &Env, secrets: &Secrets) -> Result<Self, ConfigError> {
        Self::new(&db::Settings::from_env(env)?, secrets)
    }

    async fn warm_up(&self) {
        if let Err(error) = self.warm_up().await {
            tracing::warn!(target: telemetry::TARGET, %error, "started without the database");
        }
    }

    const KNOWS_STANDING: bool = true;

    async fn greet(&self, caller: &Identity<'_>) -> Result<Told<()>, DbError> {
        self.greet(caller).await
    }

    fn key_shelf(&self, issuer: &str) -> Option<std::sync::Arc<dyn auth::KeyShelf>> {
        Some(std::sync::Arc::new(crate::shelf::Shelf::new(self.clone(), issuer)))
    }
}
