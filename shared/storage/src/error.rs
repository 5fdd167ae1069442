//! What can go wrong with a file.

use std::error::Error;

use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};

/// Why a call of S3 failed: which call, and in S3's words. They name buckets and keys, and quote no file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("S3 did not {call}: {why}")]
pub struct StorageError {
    call: &'static str,
    why: String,
}

impl StorageError {
    pub(crate) fn new(call: &'static str, why: impl Into<String>) -> Self {
        Self { call, why: why.into() }
    }

    /// The SDK's error: its code and message if S3 answered, the whole chain if it did not.
    pub(crate) fn of<E, R>(call: &'static str, error: SdkError<E, R>) -> Self
    where
        E: Error + ProvideErrorMetadata + 'static,
        R: std::fmt::Debug + 'static,
    {
        let why = match (error.code(), error.message()) {
            (Some(code), Some(message)) => format!("{code}: {message}"),
            (Some(code), None) => code.to_owned(),
            _ => DisplayErrorContext(error).to_string(),
        };
        Self::new(call, why)
    }
}
