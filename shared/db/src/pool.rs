//! A pool of connections for one address, which renews its credentials.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use clock::Clock;
use config::{ConfigError, ExposeSecret, SecretRef, SecretString, Secrets, defaults};
use deadpool_postgres::{
    Hook, HookError, Manager, ManagerConfig, Object, PoolError, RecyclingMethod, Runtime, Timeouts,
};
use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::error::{DbError, Verdict, no_connection, verdict};
use crate::settings::{Credentials, Settings};
use crate::tls;

/// Connections to one address, made with the credentials of the day.
pub(crate) struct Pool {
    address: tokio_postgres::Config,
    tls: MakeRustlsConnect,
    credentials: SecretRef,
    secrets: Secrets,
    clock: Clock,
    connections: usize,
    /// How long one is waited for.
    wait: Duration,
    current: Mutex<Current>,
}

/// The connections that were made with one reading of the credentials.
#[derive(Clone)]
struct Generation {
    number: u64,
    secret: SecretString,
    pool: deadpool_postgres::Pool,
}

#[derive(Default)]
struct Current {
    generation: Option<Generation>,
    /// When the secret was last read because the database refused what it had held.
    renewed_at: Option<SystemTime>,
}

impl Pool {
    pub(crate) fn new(
        address: &tokio_postgres::Config,
        settings: &Settings,
        wait: Duration,
        secrets: Secrets,
    ) -> Result<Arc<Self>, ConfigError> {
        let mut address = address.clone();
        address
            .application_name("task-manager")
            .ssl_mode(SslMode::Require)
            .connect_timeout(defaults::POSTGRES_CONNECT)
            .tcp_user_timeout(defaults::POSTGRES_TCP_USER_TIMEOUT);
        Ok(Arc::new(Self {
            address,
            tls: tls::client(settings.ca_file.as_deref(), &[])?,
            credentials: settings.credentials.clone(),
            clock: secrets.clock().clone(),
            secrets,
            connections: settings.connections,
            wait,
            current: Mutex::default(),
        }))
    }

    /// The time, for whoever decides how long to leave this address alone.
    pub(crate) fn now(&self) -> SystemTime {
        self.clock.now()
    }

    /// A connection. When the database refuses the credentials, they are read anew, once.
    pub(crate) async fn get(&self) -> Result<Object, DbError> {
        let generation = self.generation().await?;
        match generation.pool.get().await {
            Err(PoolError::Backend(error)) if verdict(&error) == Verdict::Credentials => {
                let renewed = self.renewed(&generation).await?;
                renewed.pool.get().await.map_err(|error| no_connection(&error))
            }
            other => other.map_err(|error| no_connection(&error)),
        }
    }

    /// The current generation.
    async fn generation(&self) -> Result<Generation, DbError> {
        let mut current = self.current.lock().await;
        if let Some(generation) = &current.generation {
            return Ok(generation.clone());
        }
        let secret = self.secrets.get(&self.credentials).await;
        let secret = secret.map_err(|error| DbError::Unavailable(error.to_string()))?;
        let generation = self.generation_of(1, secret)?;
        current.generation = Some(generation.clone());
        Ok(generation)
    }

    /// The generation after one that was refused.
    ///
    /// Many requests may be refused at once: the first renews, the others find it done. A secret that
    /// still holds what was refused is not tried again, and not read again at once: a rotation that
    /// is half done must not become a storm of logins.
    async fn renewed(&self, refused: &Generation) -> Result<Generation, DbError> {
        let mut current = self.current.lock().await;
        if let Some(generation) = &current.generation
            && generation.number != refused.number
        {
            return Ok(generation.clone());
        }
        let still_refused = || DbError::Unavailable("the credentials are refused".to_owned());
        let now = self.clock.now();
        let since = current.renewed_at.and_then(|at| now.duration_since(at).ok());
        if since.is_some_and(|since| since < defaults::SECRET_PAUSE) {
            return Err(still_refused());
        }
        current.renewed_at = Some(now);
        let secret = self.secrets.read_anew(&self.credentials).await;
        let secret = secret.map_err(|error| DbError::Unavailable(error.to_string()))?;
        if secret.expose_secret() == refused.secret.expose_secret() {
            return Err(still_refused());
        }
        let generation = self.generation_of(refused.number + 1, secret)?;
        current.generation = Some(generation.clone());
        Ok(generation)
    }

    fn generation_of(&self, number: u64, secret: SecretString) -> Result<Generation, DbError> {
        let credentials = Credentials::parse(&secret).map_err(DbError::Unavailable)?;
        Ok(Generation { number, pool: self.connect(&credentials)?, secret })
    }

    fn connect(&self, credentials: &Credentials) -> Result<deadpool_postgres::Pool, DbError> {
        let mut address = self.address.clone();
        address.user(&credentials.username).password(credentials.password.expose());
        let manager = Manager::from_config(
            address,
            self.tls.clone(),
            ManagerConfig { recycling_method: RecyclingMethod::Fast },
        );
        deadpool_postgres::Pool::builder(manager)
            .max_size(self.connections)
            .timeouts(Timeouts {
                wait: Some(self.wait),
                create: Some(defaults::POSTGRES_CONNECT),
                recycle: Some(defaults::POSTGRES_RECYCLE),
            })
            .pre_recycle(Hook::async_fn(|connection, metrics| {
                Box::pin(async move {
                    // A connection in steady use is trusted; one that rested (the environment may
                    // have been frozen) is asked, which saves the request a failed attempt.
                    if metrics.last_used() < defaults::POSTGRES_IDLE_BEFORE_CHECK {
                        return Ok(());
                    }
                    match timeout(defaults::POSTGRES_RECYCLE, connection.check_connection()).await {
                        Ok(Ok(())) => Ok(()),
                        _ => Err(HookError::message("it rested and did not wake")),
                    }
                })
            }))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| DbError::Unavailable(error.to_string()))
    }
}
