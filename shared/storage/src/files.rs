//! The bucket.

use std::sync::Arc;

use aws_config::BehaviorVersion;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::operation::head_object::HeadObjectError;
use aws_sdk_s3::presigning::PresigningConfig;
use clock::Clock;
use config::{ConfigError, Deps, Env, Need, Start, defaults};
use tokio::sync::OnceCell;

use crate::error::StorageError;
use crate::upload::Upload;

/// The bucket of files for users. Clones share one client, which is made when it is first needed.
#[derive(Clone)]
pub struct Files {
    bucket: String,
    path_style: bool,
    clock: Clock,
    client: Arc<OnceCell<Client>>,
}

/// What is known of a file without fetching it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// How long it is.
    pub bytes: i64,
    /// Its media type.
    pub media_type: Option<String>,
}

impl Files {
    /// Reads the settings.
    pub fn from_env(env: &Env, clock: Clock) -> Result<Self, ConfigError> {
        Ok(Self {
            bucket: env.required("EXPORTS_BUCKET", "the name of the bucket for exports")?,
            path_style: env.or("S3_PATH_STYLE", false)?,
            clock,
            client: Arc::default(),
        })
    }

    /// Begins a file. Nothing of it is to be seen until it is finished.
    pub async fn upload(&self, key: &str, media_type: &str) -> Upload {
        Upload::new(self.client().await, &self.bucket, key, media_type)
    }

    /// An address at which anybody can fetch the file for some minutes; it is saved under that name.
    pub async fn link(&self, key: &str, file_name: &str) -> Result<String, StorageError> {
        const CALL: &str = "sign an address";
        let life = PresigningConfig::builder()
            .start_time(self.clock.now())
            .expires_in(defaults::FILES_LINK)
            .build()
            .map_err(|error| StorageError::new(CALL, error.to_string()))?;
        let request = self.client().await.get_object().bucket(&self.bucket).key(key);
        let disposition = format!("attachment; filename=\"{file_name}\"");
        let signed = Box::pin(request.response_content_disposition(disposition).presigned(life))
            .await
            .map_err(|error| StorageError::of(CALL, error))?;
        Ok(signed.uri().to_owned())
    }

    /// What is known of a file; nothing if there is none.
    pub async fn head(&self, key: &str) -> Result<Option<Head>, StorageError> {
        let request = self.client().await.head_object().bucket(&self.bucket).key(key);
        match Box::pin(request.send()).await {
            Ok(head) => Ok(Some(Head {
                bytes: head.content_length.unwrap_or_default(),
                media_type: head.content_type,
            })),
            Err(error) if error.as_service_error().is_some_and(HeadObjectError::is_not_found) => {
                Ok(None)
            }
            Err(error) => Err(StorageError::of("tell of a file", error)),
        }
    }

    /// Removes a file, if it is there.
    pub async fn delete(&self, key: &str) -> Result<(), StorageError> {
        let request = self.client().await.delete_object().bucket(&self.bucket).key(key);
        let answer = Box::pin(request.send()).await;
        answer.map(drop).map_err(|error| StorageError::of("remove a file", error))
    }

    async fn client(&self) -> &Client {
        // Boxed: the SDK's futures are large, and rarely run.
        self.client.get_or_init(|| Box::pin(client(self.path_style))).await
    }
}

impl Deps for Files {
    fn needs(needs: &mut Vec<Need>) {
        needs.push(Need::Files);
    }

    fn prepare(start: &Start<'_>) -> Result<Self, ConfigError> {
        Self::from_env(start.env, start.clock.clone())
    }

    /// Makes the client, so that the first request need not.
    async fn warm_up(&self) {
        self.client().await;
    }
}

async fn client(path_style: bool) -> Client {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(defaults::FILES_CONNECT)
        .operation_attempt_timeout(defaults::FILES_ATTEMPT)
        .operation_timeout(defaults::FILES_CALL)
        .build();
    let shared =
        aws_config::defaults(BehaviorVersion::latest()).timeout_config(timeouts).load().await;
    let settings = aws_sdk_s3::config::Builder::from(&shared).force_path_style(path_style);
    Client::from_conf(settings.build())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_bucket_is_named() {
        let why = |env: &Env| {
            Files::from_env(env, Clock::system()).err().map(|e| e.to_string()).unwrap_or_default()
        };
        let none: [(&str, &str); 0] = [];
        assert!(why(&Env::of(none)).starts_with("EXPORTS_BUCKET: is missing"));
        let env = Env::of([("EXPORTS_BUCKET", "b")]);
        assert_eq!(why(&env), "");
        assert!(why(&env.with("S3_PATH_STYLE", "perhaps")).starts_with("S3_PATH_STYLE"));
    }
}
