//! The `Idempotency-Key` of a mutation.

use aws_lc_rs::digest::{Context, SHA256};
use db::IdempotencyKey;
use serde_json::Value;

use super::{Input, Shape, Step};
use crate::problem::{Kind, Problem};
use crate::request::Request;

/// The key with the fingerprint of the request, if the client sent one.
pub struct Idempotency(pub Option<IdempotencyKey>);

impl Input for Idempotency {
    const STEP: Step = Step::Key;

    fn describe(shape: &mut Shape) {
        shape.idempotent = true;
        shape.problems.extend([
            Kind::InvalidIdempotencyKey,
            Kind::IdempotencyInProgress,
            Kind::IdempotencyKeyReused,
        ]);
    }

    fn read(request: &Request) -> Result<Self, Problem> {
        let Some(header) = request.header("idempotency-key") else { return Ok(Self(None)) };
        let key = parse(header).ok_or_else(|| Problem::new(Kind::InvalidIdempotencyKey))?;
        Ok(Self(Some(IdempotencyKey { key, fingerprint: fingerprint(request) })))
    }
}

/// `abc` and `"abc"` are the same key: the one is common usage, the other a structured string.
fn parse(header: &str) -> Option<String> {
    let header = header.trim();
    let key = match header.strip_prefix('"') {
        Some(rest) => unescaped(rest.strip_suffix('"')?)?,
        None => header.to_owned(),
    };
    let visible = key.bytes().all(|b| b.is_ascii_graphic());
    ((1..=255).contains(&key.len()) && visible).then_some(key)
}

/// The inside of a structured string, where `\` escapes itself and the quote.
fn unescaped(inside: &str) -> Option<String> {
    let mut text = String::new();
    let mut characters = inside.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => text.push(characters.next().filter(|c| matches!(c, '"' | '\\'))?),
            '"' => return None,
            other => text.push(other),
        }
    }
    Some(text)
}

/// What the request asks for. The order of keys and white space in the body do not matter, and
/// neither does the alias under which the route was called.
fn fingerprint(request: &Request) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    let body = Value::Object(request.body.clone()).to_string();
    let if_match = request.header("if-match").unwrap_or_default();
    for part in [request.method(), &request.instance, &body, if_match] {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part.as_bytes());
    }
    let mut fingerprint = [0; 32];
    fingerprint.copy_from_slice(context.finish().as_ref());
    fingerprint
}

#[cfg(test)]
mod tests {
    use clock::Clock;
    use proptest::prelude::*;

    use super::*;
    use crate::gateway::Event;
    use crate::spec::{Access, Spec};

    const SPEC: Spec = Spec::post("x", "/v1/tasks", Access::Public).also_at_root();

    fn print_of(path: &str, body: &str, if_match: Option<&str>) -> [u8; 32] {
        let mut event = Event { raw_path: path.into(), ..Event::default() };
        event.headers.insert("content-type".into(), "application/json".into());
        if let Some(tag) = if_match {
            event.headers.insert("if-match".into(), tag.into());
        }
        event.body = Some(body.into());
        let mut request = Request::new(event, &SPEC, &Clock::system());
        request.read_body().unwrap();
        fingerprint(&request)
    }

    #[test]
    fn both_forms_are_the_same_key() {
        assert_eq!(parse("abc").as_deref(), Some("abc"));
        assert_eq!(parse("\"abc\"").as_deref(), Some("abc"));
        assert_eq!(parse(r#""a\"b\\c""#).as_deref(), Some(r#"a"b\c"#));
        assert!(parse(&"k".repeat(255)).is_some());
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let long = "k".repeat(256);
        for header in
            ["", "\"\"", "\"", "\"a", "\"a\"b\"", "a\u{7f}", "a\tb", "a b", "ä", r#""a\b""#, &long]
        {
            assert_eq!(parse(header), None, "{header}");
        }
    }

    #[test]
    fn equal_requests_have_equal_fingerprints() {
        let base = print_of("/v1/tasks", r#"{"a":1,"b":[true,null]}"#, None);
        assert_eq!(base, print_of("/tasks", "{ \"b\" : [ true, null ],\n \"a\" : 1 }", None));
        assert_eq!(base, print_of("/v1/tasks", r#"{"\u0061":1,"b":[true,null]}"#, None));
        for (path, body, tag) in [
            ("/v1/tasks/x", r#"{"a":1,"b":[true,null]}"#, None),
            ("/v1/tasks", r#"{"a":1,"b":[null,true]}"#, None),
            ("/v1/tasks", r#"{"a":"1","b":[true,null]}"#, None),
            ("/v1/tasks", r#"{"a":1,"b":[true,null]}"#, Some("\"1\"")),
        ] {
            assert_ne!(base, print_of(path, body, tag));
        }
    }

    proptest! {
        #[test]
        fn any_key_survives_quoting(key in "[!-~]{1,100}") {
            let quoted = format!("\"{}\"", key.replace('\\', "\\\\").replace('"', "\\\""));
            prop_assert_eq!(parse(&quoted), Some(key));
        }

        #[test]
        fn any_header_gets_an_answer(header in ".{0,300}") {
            if let Some(key) = parse(&header) {
                prop_assert!((1..=255).contains(&key.len()));
            }
        }
    }
}
