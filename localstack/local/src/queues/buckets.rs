//! Buckets: one request each, for which no client of S3 is needed.

use axum::body::Body;
use http_body_util::BodyExt as _;
use hyper::{Method, Request, StatusCode, header};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

use super::client::Error;
use super::words;

/// Makes a bucket, if it is not there yet.
pub(super) async fn create(endpoint: &str, region: &str, name: &str) -> Result<(), Error> {
    let refused = |why: String| Error::new(format!("make the bucket {name}"), why);
    // LocalStack reads the service and the region from the signature, and does not check it.
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential=test/20250101/{region}/s3/aws4_request, \
         SignedHeaders=host, Signature=0"
    );
    let request = Request::builder()
        .method(Method::PUT)
        .uri(format!("{endpoint}/{name}"))
        .header(header::AUTHORIZATION, authorization)
        .body(Body::empty())
        .map_err(|error| refused(error.to_string()))?;
    let client = Client::builder(TokioExecutor::new()).build_http();
    let answer = client.request(request).await.map_err(|error| refused(words(&error)))?;
    let status = answer.status();
    let body = answer.into_body().collect().await.map_err(|error| refused(words(&error)))?;
    let body = String::from_utf8_lossy(&body.to_bytes()).into_owned();
    let is_there = status == StatusCode::CONFLICT && body.contains("BucketAlreadyOwnedByYou");
    if status.is_success() || is_there { Ok(()) } else { Err(refused(format!("{status} {body}"))) }
}
