//! A pool of connections for one address, which renews its credentials.

use std::sync::Arc;

use config::{ConfigError, SecretRef, Secrets, defaults};
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
    connections: usize,
    current: Mutex<Option<Generation>>,
}

/// The connections that were made with one reading of the credentials.
#[derive(Clone)]
struct Generation {
    number: u64,
    pool: deadpool_postgres::Pool,
}

impl Pool {
    pub(crate) fn new(
        address: &tokio_postgres::Config,
        settings: &Settings,
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
            tls: tls::client(settings.ca_file.as_deref())?,
            credentials: settings.credentials.clone(),
            secrets,
            connections: settings.connections,
            current: Mutex::new(None),
        }))
    }

    /// A connection. When the database refuses the credentials, they are read anew, once.
    pub(crate) async fn get(&self) -> Result<Object, DbError> {
        let generation = self.generation(None).await?;
        match generation.pool.get().await {
            Ok(connection) => Ok(connection),
            Err(PoolError::Backend(error)) if verdict(&error) == Verdict::Credentials => {
                let renewed = self.generation(Some(generation.number)).await?;
                renewed.pool.get().await.map_err(|error| no_connection(&error))
            }
            Err(error) => Err(no_connection(&error)),
        }
    }

    /// The current generation, or a new one if the current one is the `refused` one.
    ///
    /// Many requests may be refused at once: the first renews, the others find it done.
    async fn generation(&self, refused: Option<u64>) -> Result<Generation, DbError> {
        let mut current = self.current.lock().await;
        let last = current.as_ref().map_or(0, |generation| generation.number);
        if let Some(generation) = current.as_ref()
            && refused != Some(generation.number)
        {
            return Ok(generation.clone());
        }
        let secret = match refused {
            Some(_) => self.secrets.read_anew(&self.credentials).await,
            None => self.secrets.get(&self.credentials).await,
        };
        let secret = secret.map_err(|error| DbError::Unavailable(error.to_string()))?;
        let credentials = Credentials::parse(&secret).map_err(DbError::Unavailable)?;
        let generation = Generation { number: last + 1, pool: self.connect(&credentials)? };
        *current = Some(generation.clone());
        Ok(generation)
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
                wait: Some(defaults::POSTGRES_POOL_WAIT),
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
