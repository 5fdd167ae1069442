//! A file on its way, part by part.

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};
use config::defaults::FILES_PART;

use crate::error::StorageError;

/// What S3 compares each part by. Named when the file is begun: the parts that end it must say the same.
const CHECKSUM: ChecksumAlgorithm = ChecksumAlgorithm::Crc32;

/// A file that is being written. Of what was written, no more than a part is kept.
///
/// Finish it, or abort it; what is dropped is aborted too, as far as the process lives on.
pub struct Upload {
    client: Client,
    bucket: String,
    key: String,
    media_type: String,
    /// What was not sent yet.
    rest: Vec<u8>,
    sent: u64,
    /// S3's name for it, once a part was sent.
    id: Option<String>,
    parts: Vec<CompletedPart>,
}

impl Upload {
    pub(crate) fn new(client: &Client, bucket: &str, key: &str, media_type: &str) -> Self {
        Self {
            client: client.clone(),
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            media_type: media_type.to_owned(),
            rest: Vec::new(),
            sent: 0,
            id: None,
            parts: Vec::new(),
        }
    }

    /// How many bytes were written.
    pub fn bytes(&self) -> u64 {
        self.sent + self.rest.len() as u64
    }

    /// Writes on. Sends a part when there is one.
    pub async fn write(&mut self, mut bytes: &[u8]) -> Result<(), StorageError> {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(FILES_PART - self.rest.len()));
            self.rest.extend_from_slice(now);
            bytes = later;
            if self.rest.len() == FILES_PART {
                self.send_part().await?;
            }
        }
        Ok(())
    }

    /// Ends the file, which from now on is there. Its length.
    pub async fn finish(mut self) -> Result<u64, StorageError> {
        if self.id.is_none() {
            self.send_whole().await?;
            return Ok(self.sent);
        }
        if !self.rest.is_empty() {
            self.send_part().await?;
        }
        let parts = std::mem::take(&mut self.parts);
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let request = self.client.complete_multipart_upload().bucket(&self.bucket).key(&self.key);
        let request = request.set_upload_id(self.id.clone()).multipart_upload(parts);
        let answer = Box::pin(request.send()).await;
        answer.map_err(|error| StorageError::of("end a file", error))?;
        self.id = None;
        Ok(self.sent)
    }

    /// Gives the file up: nothing is left of it.
    pub async fn abort(mut self) -> Result<(), StorageError> {
        match self.id.take() {
            Some(id) => forget(&self.client, &self.bucket, &self.key, id).await,
            None => Ok(()),
        }
    }

    /// Sends a file that is no longer than a part.
    async fn send_whole(&mut self) -> Result<(), StorageError> {
        let (length, body) = self.take_rest();
        let request = self.client.put_object().bucket(&self.bucket).key(&self.key);
        let request = request.content_type(&self.media_type).body(body);
        let answer = Box::pin(request.send()).await;
        answer.map_err(|error| StorageError::of("take a file", error))?;
        self.sent += length;
        Ok(())
    }

    async fn send_part(&mut self) -> Result<(), StorageError> {
        let id = match &self.id {
            Some(id) => id.clone(),
            None => self.begin().await?,
        };
        let number = i32::try_from(self.parts.len() + 1).unwrap_or(i32::MAX);
        let (length, body) = self.take_rest();
        let request = self.client.upload_part().bucket(&self.bucket).key(&self.key);
        let request = request.upload_id(id).part_number(number).body(body);
        let request = request.checksum_algorithm(CHECKSUM);
        let answer = Box::pin(request.send()).await;
        let answer = answer.map_err(|error| StorageError::of("take a part of a file", error))?;
        self.parts.push(
            CompletedPart::builder()
                .part_number(number)
                .set_e_tag(answer.e_tag)
                .set_checksum_crc32(answer.checksum_crc32)
                .build(),
        );
        self.sent += length;
        Ok(())
    }

    async fn begin(&mut self) -> Result<String, StorageError> {
        const CALL: &str = "begin a file";
        let request = self.client.create_multipart_upload().bucket(&self.bucket).key(&self.key);
        let request = request.content_type(&self.media_type).checksum_algorithm(CHECKSUM);
        let answer = Box::pin(request.send()).await;
        let answer = answer.map_err(|error| StorageError::of(CALL, error))?;
        let id = answer.upload_id.ok_or_else(|| StorageError::new(CALL, "it gave it no name"))?;
        self.id = Some(id.clone());
        Ok(id)
    }

    /// What was not sent yet, to be sent. The memory goes with it, so that there is one part at a time.
    fn take_rest(&mut self) -> (u64, ByteStream) {
        let rest = std::mem::take(&mut self.rest);
        (rest.len() as u64, ByteStream::from(rest))
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let Some(id) = self.id.take() else { return };
        let (client, bucket, key) = (self.client.clone(), self.bucket.clone(), self.key.clone());
        // Who drops it while the runtime ends leaves the parts to the bucket's lifecycle.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if let Err(error) = forget(&client, &bucket, &key, id).await {
                    tracing::warn!(target: telemetry::TARGET, %error, "parts of a file stay for a day");
                }
            });
        }
    }
}

async fn forget(client: &Client, bucket: &str, key: &str, id: String) -> Result<(), StorageError> {
    let request = client.abort_multipart_upload().bucket(bucket).key(key).upload_id(id);
    let answer = Box::pin(request.send()).await;
    answer.map(drop).map_err(|error| StorageError::of("forget the parts of a file", error))
}
