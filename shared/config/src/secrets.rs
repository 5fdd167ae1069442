//! Reading secrets, and keeping them for a while.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use aws_config::BehaviorVersion;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::DisplayErrorContext;
use clock::Clock;
use secrecy::SecretString;
use tokio::sync::OnceCell;

use crate::defaults;

/// Where a secret comes from.
#[derive(Clone, Debug)]
pub enum SecretRef {
    /// The environment holds it. For tests and laptops.
    Value(SecretString),
    /// A file holds it.
    File(PathBuf),
    /// Secrets Manager holds it, under this ARN or name.
    Arn(String),
}

/// A secret that could not be read.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SecretError {
    /// The file cannot be read.
    #[error("the file {0} cannot be read: {1}")]
    File(PathBuf, String),
    /// Secrets Manager refuses or does not answer.
    #[error("Secrets Manager did not give {0}: {1}")]
    Arn(String, String),
}

/// Reads secrets. Clones share one cache and one client.
#[derive(Clone)]
pub struct Secrets {
    clock: Clock,
    client: Arc<OnceCell<Client>>,
    cache: Arc<Mutex<HashMap<String, (SystemTime, SecretString)>>>,
}

impl Secrets {
    /// A reader with an empty cache. The client is made when it is first needed.
    pub fn new(clock: Clock) -> Self {
        Self { clock, client: Arc::default(), cache: Arc::default() }
    }

    /// The clock by which the cache grows old.
    pub const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The secret, from the cache if it is young enough.
    pub async fn get(&self, source: &SecretRef) -> Result<SecretString, SecretError> {
        if let SecretRef::Arn(arn) = source
            && let Some(kept) = self.kept(arn)
        {
            return Ok(kept);
        }
        self.read_anew(source).await
    }

    /// The secret as it is now: for when the one at hand was refused.
    pub async fn read_anew(&self, source: &SecretRef) -> Result<SecretString, SecretError> {
        match source {
            SecretRef::Value(value) => Ok(value.clone()),
            SecretRef::File(path) => tokio::fs::read_to_string(path)
                .await
                .map(|text| SecretString::from(text.trim_end()))
                .map_err(|e| SecretError::File(path.clone(), e.to_string())),
            SecretRef::Arn(arn) => {
                let value = self.fetch(arn).await?;
                let entry = (self.clock.now(), value.clone());
                self.lock().insert(arn.clone(), entry);
                Ok(value)
            }
        }
    }

    fn kept(&self, arn: &str) -> Option<SecretString> {
        let cache = self.lock();
        let (read_at, value) = cache.get(arn)?;
        let age = self.clock.now().duration_since(*read_at).unwrap_or_default();
        (age < defaults::SECRET_AGE).then(|| value.clone())
    }

    async fn fetch(&self, arn: &str) -> Result<SecretString, SecretError> {
        // Boxed: the SDK's futures are large, and rarely run.
        let client = self.client.get_or_init(|| Box::pin(client())).await;
        let answer = Box::pin(client.get_secret_value().secret_id(arn).send())
            .await
            .map_err(|e| SecretError::Arn(arn.to_owned(), DisplayErrorContext(e).to_string()))?;
        answer
            .secret_string
            .map(SecretString::from)
            .ok_or_else(|| SecretError::Arn(arn.to_owned(), "it holds no text".to_owned()))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, (SystemTime, SecretString)>> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn client() -> Client {
    let timeouts = TimeoutConfig::builder()
        .operation_attempt_timeout(defaults::SECRET_ATTEMPT)
        .operation_timeout(defaults::SECRET_CALL)
        .build();
    let settings =
        aws_config::defaults(BehaviorVersion::latest()).timeout_config(timeouts).load().await;
    Client::new(&settings)
}
