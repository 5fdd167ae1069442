//! The client.

use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::http::HttpResponse;
use aws_sdk_sqs::error::{BuildError, DisplayErrorContext, SdkError};
use aws_sdk_sqs::types::MessageAttributeValue;
use tokio::sync::OnceCell;

/// A client that is made when it is first needed.
pub(crate) struct Sqs {
    client: OnceCell<Client>,
    attempt: Duration,
    attempts: u32,
}

impl Sqs {
    /// Each call gets so many attempts, each attempt so much time.
    pub(crate) const fn new(attempt: Duration, attempts: u32) -> Self {
        Self { client: OnceCell::const_new(), attempt, attempts }
    }

    pub(crate) async fn client(&self) -> &Client {
        // Boxed: the SDK's futures are large, and rarely run.
        self.client.get_or_init(|| Box::pin(self.connect())).await
    }

    async fn connect(&self) -> Client {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(self.attempt)
            .operation_attempt_timeout(self.attempt)
            .operation_timeout(self.attempt * (self.attempts + 1))
            .build();
        let settings = aws_config::defaults(BehaviorVersion::latest())
            .timeout_config(timeouts)
            .retry_config(RetryConfig::standard().with_max_attempts(self.attempts))
            .load()
            .await;
        Client::new(&settings)
    }
}

/// What went wrong. SQS does not quote bodies.
pub(crate) fn words<E>(error: &SdkError<E, HttpResponse>) -> String
where
    E: std::error::Error + 'static,
{
    DisplayErrorContext(error).to_string()
}

/// An attribute that is text; none for what would be empty, which SQS refuses.
pub(crate) fn text(value: &str) -> Option<Result<MessageAttributeValue, BuildError>> {
    if value.is_empty() {
        return None;
    }
    Some(MessageAttributeValue::builder().data_type("String").string_value(value).build())
}
