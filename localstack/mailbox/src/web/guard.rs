//! Who may ask, and what browsers may do with the answers.

use std::net::IpAddr;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue, StatusCode};

/// Pages load their style and the frame with a mail's HTML, nothing else, and run nothing.
const POLICY: &str = "default-src 'none'; style-src 'self'; frame-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

pub(super) async fn guard(request: Request, next: Next) -> Response {
    let mut response = match refusal(&request) {
        Some(reason) => (StatusCode::FORBIDDEN, format!("{reason}\n")).into_response(),
        None => next.run(request).await,
    };
    let defaults: [(HeaderName, &'static str); 5] = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        // Other sites cannot load a mail's source as a script or a picture of theirs either.
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in defaults {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

fn refusal(request: &Request) -> Option<&'static str> {
    let headers = request.headers();
    // A web page whose name suddenly resolves to 127.0.0.1 ("DNS rebinding") could read every mail.
    if !text(headers, header::HOST).is_some_and(is_local) {
        return Some("refused: the Host header is not localhost or a loopback address");
    }
    if !request.method().is_safe() && is_cross_site(headers) {
        return Some("refused: the request comes from another web site");
    }
    None
}

fn is_local(host: &str) -> bool {
    // A port is digits: what follows the last colon of a bare `::1` is another matter.
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => name,
        _ => host,
    };
    let literal = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    name.eq_ignore_ascii_case("localhost")
        || literal.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Browsers say where a request comes from; programs, which say nothing, may ask for anything.
fn is_cross_site(headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site != "same-origin" && site != "none";
    }
    match (headers.get(header::ORIGIN), text(headers, header::HOST)) {
        (None, _) => false,
        (Some(origin), Some(host)) => origin != format!("http://{host}").as_str(),
        (Some(_), None) => true,
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}
