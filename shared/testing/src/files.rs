//! Files, as somebody fetches them who only has an address.

use std::collections::BTreeMap;

use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

/// The bucket of all tests.
pub const BUCKET: &str = "files-of-tests";

/// What was at an address.
#[derive(Debug)]
pub struct Fetched {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: BTreeMap<String, String>,
    /// The file.
    pub bytes: Vec<u8>,
}

/// Fetches what is at an address.
pub async fn fetch(address: &str) -> Fetched {
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<&[u8]>>();
    let answer = client.get(address.parse().expect("an address")).await.expect("an answer");
    let (head, body) = answer.into_parts();
    let bytes = body.collect().await.expect("all of the answer").to_bytes().to_vec();
    let header = |name: &str| {
        let value = head.headers.get(name).and_then(|value| value.to_str().ok());
        value.map(str::to_owned)
    };
    let names = head.headers.keys().map(|name| name.as_str().to_owned());
    let headers = names.filter_map(|name| Some((name.clone(), header(&name)?))).collect();
    Fetched { status: head.status.as_u16(), headers, bytes }
}
