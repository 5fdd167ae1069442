//! A request as the function is told of it: payload format 2.0 of an HTTP API.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::body::Bytes;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use super::routes::Found;
use crate::template::ACCOUNT;

/// Where and when a request came in.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The client's address, of the connection and not of a header.
    pub client: IpAddr,
    /// The port on which the gateway was called.
    pub port: u16,
    /// When.
    pub now: SystemTime,
    /// The gateway's own id of the request.
    pub request_id: String,
    /// The X-Ray header.
    pub trace: String,
}

const API_ID: &str = "local";
/// As in `12/Mar/2020:19:03:58 +0000`.
const TIME: &[BorrowedFormatItem<'_>] =
    format_description!("[day]/[month repr:short]/[year]:[hour]:[minute]:[second] +0000");

/// Tells of a request. Members that AWS leaves out when they are empty are left out.
pub(super) fn event(
    parts: &Parts,
    path: &str,
    body: &Bytes,
    found: &Found<'_>,
    origin: &Origin,
) -> Value {
    let query = parts.uri.query().unwrap_or_default();
    let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let domain = host.unwrap_or("localhost").to_owned();
    let agent = parts.headers.get(header::USER_AGENT).map(text).unwrap_or_default();
    let since = origin.now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let when = OffsetDateTime::from(origin.now).format(TIME).unwrap_or_default();
    let mut event = json!({
        "version": "2.0",
        "routeKey": found.route_key,
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers(&parts.headers, origin),
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": API_ID,
            "domainPrefix": domain.split(['.', ':']).next().unwrap_or_default(),
            "domainName": domain,
            "http": {
                "method": parts.method.as_str(),
                "path": path,
                "protocol": format!("{:?}", parts.version),
                "sourceIp": origin.client.to_string(),
                "userAgent": agent,
            },
            "requestId": origin.request_id,
            "routeKey": found.route_key,
            "stage": "$default",
            "time": when,
            "timeEpoch": u64::try_from(since.as_millis()).unwrap_or_default(),
        },
        "isBase64Encoded": false,
    });
    let cookies = cookies(&parts.headers);
    if !cookies.is_empty() {
        event["cookies"] = cookies.into();
    }
    let queries = queries(query);
    if !queries.is_empty() {
        event["queryStringParameters"] = queries.into();
    }
    if !found.path_parameters.is_empty() {
        event["pathParameters"] = json!(found.path_parameters);
    }
    if !body.is_empty() {
        let (body, encoded) = body_text(&parts.headers, body);
        event["body"] = body.into();
        event["isBase64Encoded"] = encoded.into();
    }
    event
}

/// Several of one name are joined by commas; cookies have a place of their own.
fn headers(headers: &HeaderMap, origin: &Origin) -> Map<String, Value> {
    let mut all: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in headers {
        let hop = [header::COOKIE, header::CONNECTION, header::TRANSFER_ENCODING, header::EXPECT];
        if hop.contains(name) {
            continue;
        }
        let joined = all.entry(name.as_str().to_owned()).or_default();
        if !joined.is_empty() {
            joined.push(',');
        }
        joined.push_str(&text(value));
    }
    // What the client says of its address goes before what the gateway sees.
    let seen = origin.client.to_string();
    let chain =
        all.remove("x-forwarded-for").map_or(seen.clone(), |said| format!("{said}, {seen}"));
    all.insert("x-forwarded-for".into(), chain);
    all.insert("x-forwarded-port".into(), origin.port.to_string());
    all.insert("x-forwarded-proto".into(), "http".into());
    all.insert("x-amzn-trace-id".into(), origin.trace.clone());
    all.into_iter().map(|(name, value)| (name, value.into())).collect()
}

/// Header values need not be UTF-8; each byte is a character then.
fn text(value: &axum::http::HeaderValue) -> String {
    let bytes = value.as_bytes();
    str::from_utf8(bytes)
        .map_or_else(|_| bytes.iter().copied().map(char::from).collect(), str::to_owned)
}

fn cookies(headers: &HeaderMap) -> Vec<String> {
    let all = headers.get_all(header::COOKIE).iter().map(text);
    let each = all.flat_map(|line| {
        line.split(';').map(|cookie| cookie.trim().to_owned()).collect::<Vec<_>>()
    });
    each.filter(|cookie| !cookie.is_empty()).collect()
}

/// Decoded; several of one name are joined by commas.
fn queries(query: &str) -> Map<String, Value> {
    let mut all: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        all.entry(name.into_owned())
            .and_modify(|joined| {
                joined.push(',');
                joined.push_str(&value);
            })
            .or_insert_with(|| value.clone().into_owned());
    }
    all.into_iter().map(|(name, value)| (name, value.into())).collect()
}

/// Text as it is if its type says that it is text, anything else in base64.
fn body_text(headers: &HeaderMap, body: &Bytes) -> (String, bool) {
    let kind = headers.get(header::CONTENT_TYPE).map(text).unwrap_or_default().to_lowercase();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let is_text = kind.starts_with("text/")
        || ["/json", "+json", "/xml", "+xml", "/javascript"].iter().any(|end| kind.ends_with(end));
    let encoded = headers.contains_key(header::CONTENT_ENCODING);
    match str::from_utf8(body) {
        Ok(text) if is_text && !encoded => (text.to_owned(), false),
        _ => (STANDARD.encode(body), true),
    }
}
