//! Why a person did not get what they asked for.

use aws_sdk_sqs::config::http::HttpResponse;
use aws_sdk_sqs::error::SdkError;

use crate::sqs::words;

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// SQS is not reached.
    #[error("SQS does not answer: {0}")]
    Unreachable(String),
    /// There is no such queue.
    #[error(
        "there is no queue {0} here: has this place been deployed, and is it the right region?"
    )]
    NotThere(String),
    /// SQS says no.
    #[error("SQS did not {doing}: {why}")]
    Refused {
        /// What it was to do.
        doing: String,
        /// What it says.
        why: String,
    },
}

/// For what a call came to.
pub(super) fn refused<E>(doing: impl Into<String>, error: &SdkError<E, HttpResponse>) -> DeskError
where
    E: std::error::Error + 'static,
{
    match error {
        SdkError::DispatchFailure(_) | SdkError::TimeoutError(_) => {
            DeskError::Unreachable(words(error))
        }
        _ => DeskError::Refused { doing: doing.into(), why: words(error) },
    }
}
