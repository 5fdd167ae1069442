//! The connection to LocalStack, and the queues that the template wants there.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::config::timeout::TimeoutConfig;
use aws_sdk_sqs::config::{BehaviorVersion, Config, Credentials, Region};
use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::json;

use super::{buckets, words};
use crate::template::{ACCOUNT, Queue};

/// The queues and buckets in LocalStack. Clones share one client.
#[derive(Clone, Debug)]
pub struct Queues {
    client: Client,
    endpoint: String,
    region: String,
}

/// What LocalStack did not do.
#[derive(Debug, thiserror::Error)]
#[error("LocalStack did not {doing}: {why}")]
pub struct Error {
    doing: String,
    why: String,
}

impl Error {
    pub(super) fn new(doing: impl Into<String>, why: impl Into<String>) -> Self {
        Self { doing: doing.into(), why: why.into() }
    }
}

/// Longer than the longest poll.
const PATIENCE: Duration = Duration::from_secs(30);
/// The second one meets a connection that was closed meanwhile.
const ATTEMPTS: u32 = 2;

impl Queues {
    /// Nothing is asked yet.
    pub fn connect(endpoint: &str, region: &str) -> Self {
        // LocalStack makes an account of the key, and does not check the rest.
        let credentials = Credentials::builder()
            .access_key_id("test")
            .secret_access_key("test")
            .provider_name("local")
            .build();
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(PATIENCE).build();
        let settings = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(endpoint)
            .region(Region::new(region.to_owned()))
            .credentials_provider(credentials)
            .timeout_config(timeouts)
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
            .build();
        Self {
            client: Client::from_conf(settings),
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            region: region.to_owned(),
        }
    }

    /// For what else is done with queues: to send, to count, to move.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Where a queue is.
    pub fn url(&self, name: &str) -> String {
        format!("{}/{ACCOUNT}/{name}", self.endpoint)
    }

    /// Makes the queues, or changes those that are there already to what is wanted now.
    pub async fn create(&self, queues: &[Queue]) -> Result<(), Error> {
        // Without attributes: with others than it has, a queue that is there would be refused.
        for queue in queues {
            let name = &queue.name;
            Box::pin(self.client.create_queue().queue_name(name).send())
                .await
                .map_err(|error| Error::new(format!("make the queue {name}"), words(&error)))?;
        }
        // And only when all are there: a redrive policy names another queue.
        for queue in queues {
            let name = &queue.name;
            let request = self.client.set_queue_attributes().queue_url(self.url(name));
            Box::pin(request.set_attributes(Some(attributes(queue))).send())
                .await
                .map_err(|error| Error::new(format!("change the queue {name}"), words(&error)))?;
        }
        Ok(())
    }

    /// Makes the buckets that are not there yet.
    pub async fn create_buckets(&self, names: &[String]) -> Result<(), Error> {
        for name in names {
            buckets::create(&self.endpoint, &self.region, name).await?;
        }
        Ok(())
    }
}

fn attributes(queue: &Queue) -> HashMap<QueueAttributeName, String> {
    // Empty, it removes a policy that was there.
    let redrive = queue.redrive.as_ref().map_or_else(String::new, |redrive| {
        let policy =
            json!({ "deadLetterTargetArn": redrive.target, "maxReceiveCount": redrive.receives });
        policy.to_string()
    });
    HashMap::from([
        (QueueAttributeName::VisibilityTimeout, queue.visibility.to_string()),
        (QueueAttributeName::MessageRetentionPeriod, queue.retention.to_string()),
        (QueueAttributeName::RedrivePolicy, redrive),
    ])
}
