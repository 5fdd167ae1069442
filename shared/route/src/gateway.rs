//! What API Gateway sends and takes: payload format 2.0 of an HTTP API.
//!
//! Our own types, and not `lambda_http`'s: that crate builds a `http::Uri` and decodes base64 with
//! `expect`, so a path with a space in it (the gateway decodes paths) ends the invocation instead of
//! becoming a 404. Here a request that makes no sense is still a request, and gets an answer.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

/// A request, as the gateway tells of it. Members that we do not use are left out.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Event {
    /// `2.0`.
    pub version: String,
    /// The route that matched: `GET /v1/tasks/{id}`, or `$default`.
    pub route_key: String,
    /// The path, already decoded.
    pub raw_path: String,
    /// The query, not decoded.
    pub raw_query_string: String,
    /// One value per name; several of the same name are joined by commas.
    #[serde(deserialize_with = "null_is_nothing")]
    pub headers: BTreeMap<String, String>,
    /// What `{…}` in the route's path stands for.
    #[serde(deserialize_with = "null_is_nothing", skip_serializing_if = "BTreeMap::is_empty")]
    pub path_parameters: BTreeMap<String, String>,
    /// Where the request comes from.
    pub request_context: RequestContext,
    /// The body, as text or in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Whether the body is in base64.
    pub is_base64_encoded: bool,
}

/// Emulators send `null` where the gateway sends nothing.
fn null_is_nothing<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Where a request comes from.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RequestContext {
    /// The deployment stage of the gateway; `$default` leaves paths alone.
    pub stage: String,
    /// Of the connection, not of headers.
    pub http: RequestContextHttp,
}

/// The connection's part of the context.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RequestContextHttp {
    /// The method.
    pub method: String,
    /// The client's address.
    pub source_ip: String,
}

/// An answer, as the gateway takes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// The status.
    pub status_code: u16,
    /// The headers.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: String,
    /// Never: our bodies are text.
    pub is_base64_encoded: bool,
}
