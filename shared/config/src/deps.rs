//! What a function may touch. The type decides the settings and the rights that it gets.

use clock::Clock;

use crate::{ConfigError, Env, Secrets};

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
    /// The database past the pooler, as the role `migrate`: for what no transaction can hold.
    Cluster,
    /// The queue that wakes the relay.
    Wake,
    /// The queues that events go to.
    Queues,
    /// The queue that a worker serves, and its dead letters.
    Letters,
    /// A mail server.
    Mail,
    /// The bucket of files for users.
    Files,
}

impl Need {
    /// The settings that must be there.
    pub const fn required(self) -> &'static [&'static str] {
        match self {
            Self::Auth => &["AUTH_ISSUER", "AUTH_AUDIENCES"],
            Self::Logout => &["AUTH_LOGOUT_AUDIENCES"],
            Self::Cache => &["REDIS_URL"],
            Self::Database(_) => &["DATABASE_URL", "DATABASE_CREDENTIALS_ARN"],
            Self::Cluster => &["CLUSTER_URL", "CLUSTER_CREDENTIALS_ARN"],
            Self::Wake => &["OUTBOX_QUEUE_URL"],
            Self::Queues => &[
                "NOTIFICATIONS_QUEUE_URL",
                "ANALYTICS_QUEUE_URL",
                "AUDIT_QUEUE_URL",
                "EXPORTS_QUEUE_URL",
            ],
            Self::Letters => &["QUEUE_URL", "DEAD_LETTER_QUEUE_URL"],
            Self::Mail => &["MAIL_FROM", "PUBLIC_URL"],
            Self::Files => &["EXPORTS_BUCKET"],
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
            Self::Cluster => &["DATABASE_CA_FILE"],
            Self::Wake | Self::Queues | Self::Letters => &[],
            Self::Mail => &[
                "MAIL_TEMPLATE_DIR",
                "MAIL_TRANSPORT",
                "SMTP_CA_FILE",
                "SMTP_CREDENTIALS_ARN",
                "SMTP_HOST",
                "SMTP_PORT",
            ],
            Self::Files => &["S3_PATH_STYLE"],
        }
    }
}

/// What a function is prepared from.
#[derive(Clone, Copy)]
pub struct Start<'a> {
    /// The settings.
    pub env: &'a Env,
    /// The secrets that they name.
    pub secrets: &'a Secrets,
    /// The time.
    pub clock: &'a Clock,
}

/// What a function may touch.
pub trait Deps: Sized + Send + Sync + 'static {
    /// Adds what it needs.
    fn needs(needs: &mut Vec<Need>);

    /// Prepares it from the settings; connects to nothing yet.
    fn prepare(start: &Start<'_>) -> Result<Self, ConfigError>;

    /// Connects, as far as that is possible now.
    fn warm_up(&self) -> impl Future<Output = ()> + Send;
}

/// Nothing at all.
impl Deps for () {
    fn needs(_: &mut Vec<Need>) {}

    fn prepare(_: &Start<'_>) -> Result<Self, ConfigError> {
        Ok(())
    }

    async fn warm_up(&self) {}
}

impl<A: Deps, B: Deps> Deps for (A, B) {
    fn needs(needs: &mut Vec<Need>) {
        A::needs(needs);
        B::needs(needs);
    }

    fn prepare(start: &Start<'_>) -> Result<Self, ConfigError> {
        Ok((A::prepare(start)?, B::prepare(start)?))
    }

    async fn warm_up(&self) {
        tokio::join!(self.0.warm_up(), self.1.warm_up());
    }
}

impl<A: Deps, B: Deps, C: Deps> Deps for (A, B, C) {
    fn needs(needs: &mut Vec<Need>) {
        A::needs(needs);
        B::needs(needs);
        C::needs(needs);
    }

    fn prepare(start: &Start<'_>) -> Result<Self, ConfigError> {
        Ok((A::prepare(start)?, B::prepare(start)?, C::prepare(start)?))
    }

    async fn warm_up(&self) {
        tokio::join!(self.0.warm_up(), self.1.warm_up(), self.2.warm_up());
    }
}
