//! What scripts of other origins may do, as the template says it. With it the gateway answers
//! preflights itself, and its headers take the place of the function's.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use http_body_util::Full;

use super::answer::Answer;
use crate::template::Cors;

/// The answer to a preflight, if the request is one.
pub(super) fn preflight(cors: &Cors, method: &Method, headers: &HeaderMap) -> Option<Answer> {
    let asked = headers.get(header::ACCESS_CONTROL_REQUEST_METHOD)?;
    let origin = headers.get(header::ORIGIN)?;
    if method != Method::OPTIONS {
        return None;
    }
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = StatusCode::NO_CONTENT;
    let Some(allowed) = allowed(cors, origin) else { return Some(answer) };
    let method = |known: &String| known == "*" || known.as_bytes() == asked.as_bytes();
    if !cors.methods.iter().any(method) {
        return Some(answer);
    }
    let headers = answer.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
    put(headers, header::ACCESS_CONTROL_ALLOW_METHODS, &cors.methods.join(","));
    put(headers, header::ACCESS_CONTROL_ALLOW_HEADERS, &cors.headers.join(","));
    if let Some(seconds) = cors.max_age {
        put(headers, header::ACCESS_CONTROL_MAX_AGE, &seconds.to_string());
    }
    credentials(cors, headers);
    Some(answer)
}

/// Puts the headers on the answer to an ordinary request.
pub(super) fn apply(cors: &Cors, origin: Option<&HeaderValue>, answer: &mut Answer) {
    let headers = answer.headers_mut();
    for name in [
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        header::ACCESS_CONTROL_ALLOW_METHODS,
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        header::ACCESS_CONTROL_MAX_AGE,
    ] {
        headers.remove(name);
    }
    let Some(allowed) = origin.and_then(|origin| allowed(cors, origin)) else { return };
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
    put(headers, header::ACCESS_CONTROL_EXPOSE_HEADERS, &cors.exposed.join(","));
    headers.append(header::VARY, HeaderValue::from_static("origin"));
    credentials(cors, headers);
}

fn allowed(cors: &Cors, origin: &HeaderValue) -> Option<HeaderValue> {
    if cors.origins.iter().any(|known| known == "*") {
        return Some(HeaderValue::from_static("*"));
    }
    cors.origins.iter().any(|known| known.as_bytes() == origin.as_bytes()).then(|| origin.clone())
}

fn credentials(cors: &Cors, headers: &mut HeaderMap) {
    if cors.credentials {
        let yes = HeaderValue::from_static("true");
        headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, yes);
    }
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::try_from(value)
        && !value.is_empty()
    {
        headers.insert(name, value);
    }
}
