//! What the client gets: the function's answer, or the gateway's own words.

use axum::body::Bytes;
use axum::http::{HeaderName, HeaderValue, Method, Response, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::Full;
use serde_json::{Map, Value, json};

pub(super) type Answer = Response<Full<Bytes>>;

/// The gateway's own answer.
pub(super) fn message(status: StatusCode, words: &str) -> Answer {
    let body = json!({ "message": words }).to_string();
    let mut answer = Response::new(Full::from(body));
    *answer.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    answer.headers_mut().insert(header::CONTENT_TYPE, json);
    answer
}

/// A function that fails is no concern of the client's: always the same words.
pub(super) fn failed() -> Answer {
    message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
}

/// What the function answered. Without a `statusCode` all of it is the body.
pub(super) fn of_function(payload: &Bytes, method: &Method) -> Answer {
    let Ok(answer) = serde_json::from_slice::<Value>(payload) else { return failed() };
    if answer.get("statusCode").is_none() {
        let mut whole = Response::new(Full::from(payload.clone()));
        let json = HeaderValue::from_static("application/json");
        whole.headers_mut().insert(header::CONTENT_TYPE, json);
        return whole;
    }
    formatted(&answer, method).unwrap_or_else(failed)
}

/// None if it is not of the format.
fn formatted(answer: &Value, method: &Method) -> Option<Answer> {
    let status = match &answer["statusCode"] {
        Value::Number(number) => u16::try_from(number.as_u64()?).ok()?,
        Value::String(text) => text.parse().ok()?,
        _ => return None,
    };
    let status = StatusCode::from_u16(status).ok().filter(|status| status.as_u16() >= 200)?;
    let body = match &answer["body"] {
        Value::Null => Bytes::new(),
        Value::String(text) if answer["isBase64Encoded"] == true => {
            STANDARD.decode(text).ok()?.into()
        }
        Value::String(text) => text.clone().into(),
        other => other.to_string().into(),
    };
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    let none = Map::new();
    let headers = match &answer["headers"] {
        Value::Null => &none,
        headers => headers.as_object()?,
    };
    for (name, value) in headers {
        let name = HeaderName::try_from(name.as_str()).ok()?;
        // The gateway frames the message itself. HEAD is answered with the length of a body that is
        // not sent, which only the function knows.
        let framing = name == header::TRANSFER_ENCODING
            || name == header::CONNECTION
            || (name == header::CONTENT_LENGTH && method != Method::HEAD);
        if framing {
            continue;
        }
        let value = match value {
            Value::String(text) => HeaderValue::try_from(text).ok()?,
            Value::Number(_) | Value::Bool(_) => HeaderValue::try_from(value.to_string()).ok()?,
            _ => return None,
        };
        response.headers_mut().append(name, value);
    }
    for cookie in answer["cookies"].as_array().into_iter().flatten() {
        let cookie = HeaderValue::try_from(cookie.as_str()?).ok()?;
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    if status != StatusCode::NO_CONTENT && status != StatusCode::NOT_MODIFIED {
        response.headers_mut().entry(header::CONTENT_TYPE).or_insert(plain);
    }
    Some(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(payload: &str) -> Answer {
        of_function(&payload.to_owned().into(), &Method::GET)
    }

    #[test]
    fn what_is_no_answer_is_a_body_or_a_failure() {
        let whole = answer(r#"{"a": 1}"#);
        assert_eq!(whole.status(), 200);
        assert_eq!(whole.headers()["content-type"], "application/json");
        for wrong in [
            "no json",
            r#"{"statusCode": "abc"}"#,
            r#"{"statusCode": 99}"#,
            r#"{"statusCode": 100}"#,
            r#"{"statusCode": 70000}"#,
            r#"{"statusCode": 200, "body": "%", "isBase64Encoded": true}"#,
            r#"{"statusCode": 200, "headers": {"a b": "x"}}"#,
            r#"{"statusCode": 200, "headers": {"a": "x\ny"}}"#,
            r#"{"statusCode": 200, "headers": [1]}"#,
            r#"{"statusCode": 200, "cookies": [1]}"#,
        ] {
            assert_eq!(answer(wrong).status(), 500, "{wrong}");
        }
    }

    #[test]
    fn headers_and_cookies_are_passed_and_framing_is_not() {
        let answer = answer(
            r#"{"statusCode": "201", "headers": {"X-A": 1, "content-length": "7", "connection": "x"},
                "cookies": ["a=1", "b=2"], "body": "aGk=", "isBase64Encoded": true}"#,
        );
        assert_eq!(answer.status(), 201);
        assert_eq!(answer.headers()["x-a"], "1");
        assert_eq!(answer.headers().get_all("set-cookie").iter().count(), 2);
        assert_eq!(answer.headers()["content-type"], "text/plain; charset=utf-8");
        assert!(!answer.headers().contains_key("content-length"));
        assert!(!answer.headers().contains_key("connection"));
    }
}
