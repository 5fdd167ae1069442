//! Which queues: those of the local cloud, or those on AWS.

use std::path::Path;

use aws_config::{BehaviorVersion, Region};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::Credentials;
use serde_json::Value;

/// Where the queues are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// LocalStack, at this URL.
    Local(String),
    /// AWS, with the ordinary credentials and region.
    Aws,
}

/// What LocalStack plays.
const REGION: &str = "us-east-1";

impl Place {
    /// The local cloud of a checkout, as the note says that it leaves while it runs.
    pub async fn local(note: &Path) -> Result<Self, String> {
        let note = tokio::fs::read(note).await.unwrap_or_default();
        let note: Value = serde_json::from_slice(&note).unwrap_or_default();
        let port = note["addresses"]["localstack"].as_u64();
        match port {
            Some(port) => Ok(Self::Local(format!("http://127.0.0.1:{port}"))),
            None => Err("the local cloud does not run: `make up` starts it. \
                         (AWS=1 asks for the queues on AWS.)"
                .to_owned()),
        }
    }

    /// A client.
    pub async fn client(&self) -> Client {
        let mut settings = aws_config::defaults(BehaviorVersion::latest());
        if let Self::Local(url) = self {
            // LocalStack makes an account of the key, and does not check the rest.
            settings = settings
                .endpoint_url(url)
                .region(Region::from_static(REGION))
                .credentials_provider(Credentials::new("test", "test", None, None, "local"));
        }
        Client::new(&Box::pin(settings.load()).await)
    }
}
