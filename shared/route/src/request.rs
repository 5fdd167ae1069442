//! A request, as the pipeline sees it.

use std::borrow::Cow;

use auth::Logout;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clock::Clock;
use config::defaults::{BODY_LIMIT, FORM_LIMIT};
use domain::json::{self, NotAnObject};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Map, Value};

use crate::gateway::Event;
use crate::problem::{Kind, Problem};
use crate::spec::Spec;
use crate::trace::Trace;

/// What may not stand in the path of a URI.
const NOT_IN_A_PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// How much of a path an answer repeats.
const SHOWN_PATH: usize = 256;

/// A request.
pub struct Request {
    event: Event,
    /// The id under which this request is known: the client's, if it is well formed.
    pub id: String,
    /// The trace it belongs to.
    pub trace: Trace,
    /// Its path in the canonical form, which an alias shares.
    pub instance: String,
    /// The body's object; empty unless the route takes one.
    pub(crate) body: Map<String, Value>,
    /// What its logout token says, if it was looked for and is good.
    pub(crate) logout: Option<Logout>,
}

impl Request {
    pub(crate) fn new(event: Event, spec: &Spec, clock: &Clock) -> Self {
        let given = header_of(&event, "x-request-id").filter(|id| is_request_id(id));
        let id = given.map_or_else(|| clock.new_id().to_string(), str::to_owned);
        let trace = Trace::of(header_of(&event, "traceparent"), clock);
        let instance = instance(spec, &event.raw_path);
        Self { id, trace, instance, event, body: Map::new(), logout: None }
    }

    /// A header by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        header_of(&self.event, name)
    }

    /// Every value sent under a header's name.
    pub(crate) fn headers<'r>(&'r self, name: &'r str) -> impl Iterator<Item = &'r str> {
        let headers = self.event.headers.iter();
        headers.filter(move |(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    /// The method, as sent.
    pub fn method(&self) -> &str {
        &self.event.request_context.http.method
    }

    /// The path, as sent.
    pub fn path(&self) -> &str {
        &self.event.raw_path
    }

    /// Where it comes from: of the connection, not of headers, which anybody can write.
    pub(crate) fn source_ip(&self) -> &str {
        &self.event.request_context.http.source_ip
    }

    /// What `{name}` in the route's path stands for.
    pub fn path_parameter(&self, name: &str) -> Option<&str> {
        self.event.path_parameters.get(name).map(String::as_str)
    }

    /// The query's parameters, decoded, in order.
    pub fn query(&self) -> impl Iterator<Item = (String, String)> {
        form_urlencoded::parse(self.event.raw_query_string.as_bytes()).into_owned()
    }

    /// Which route the gateway chose.
    pub(crate) fn route_key(&self) -> &str {
        &self.event.route_key
    }

    /// Reads the body: its media type and size, then its JSON.
    pub(crate) fn read_body(&mut self) -> Result<(), Problem> {
        if !self.header("content-type").is_some_and(is_json) {
            return Err(Problem::new(Kind::UnsupportedMediaType));
        }
        let bytes = self.bytes(BODY_LIMIT).map_err(|why| match why {
            NotReadable::TooLong => Problem::new(Kind::PayloadTooLarge),
            NotReadable::Base64 => {
                Problem::new(Kind::MalformedJson).detail("The body is not what it says it is.")
            }
        })?;
        self.body = json::object(&bytes).map_err(malformed)?;
        Ok(())
    }

    /// The value of a field in the body's form, if there is exactly one.
    pub(crate) fn form_field(&self, name: &str) -> Option<String> {
        let media_type = self.header("content-type")?.split(';').next()?.trim();
        if !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return None;
        }
        let bytes = self.bytes(FORM_LIMIT).ok()?;
        let mut found = form_urlencoded::parse(&bytes).filter(|(key, _)| key == name);
        match (found.next(), found.next()) {
            (Some((_, value)), None) => Some(value.into_owned()),
            _ => None,
        }
    }

    /// The body, whichever way it was sent.
    fn bytes(&self, limit: usize) -> Result<Cow<'_, [u8]>, NotReadable> {
        let text = self.event.body.as_deref().unwrap_or_default();
        let bytes = if self.event.is_base64_encoded {
            // Longer than this it is too long however it is decoded.
            if text.len() > limit.div_ceil(3) * 4 {
                return Err(NotReadable::TooLong);
            }
            Cow::Owned(STANDARD.decode(text).map_err(|_| NotReadable::Base64)?)
        } else {
            Cow::Borrowed(text.as_bytes())
        };
        if bytes.len() > limit { Err(NotReadable::TooLong) } else { Ok(bytes) }
    }
}

/// Why a body cannot be read.
enum NotReadable {
    TooLong,
    Base64,
}

/// Why a body is refused. The parser's words name a place and never quote the text.
fn malformed(why: NotAnObject) -> Problem {
    let problem = Problem::new(Kind::MalformedJson);
    match why {
        NotAnObject::Other => problem,
        NotAnObject::Syntax { line, column, ended_early } => {
            let what = if ended_early { "ends too early" } else { "cannot be read" };
            problem
                .detail(format!("The body is not JSON: it {what} at line {line}, column {column}."))
        }
        NotAnObject::Duplicate(pointer) => problem.detail("The body has the same key twice.").at(
            &pointer,
            "duplicate_key",
            "appears more than once",
        ),
    }
}

fn header_of<'e>(event: &'e Event, name: &str) -> Option<&'e str> {
    // The gateway sends names in lower case; other senders may not.
    event.headers.get(name).map(String::as_str).or_else(|| {
        event.headers.iter().find(|(k, _)| k.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    })
}

fn is_request_id(id: &str) -> bool {
    (1..=128).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

/// Whether a content type is JSON. A charset is allowed: JSON is UTF-8 whatever it says.
fn is_json(content_type: &str) -> bool {
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case("application/json")
        || media_type.eq_ignore_ascii_case("application/merge-patch+json")
}

/// The path in its canonical form, as a URI can hold it.
fn instance(spec: &Spec, path: &str) -> String {
    let shown: String = path.chars().take(SHOWN_PATH).collect();
    let path = utf8_percent_encode(&shown, NOT_IN_A_PATH).to_string();
    if spec.at_root && !path.starts_with("/v1/") { format!("/v1{path}") } else { path }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Access;

    const SPEC: Spec = Spec::post("x", "/v1/tasks", Access::Public).also_at_root();

    fn request(content_type: &str, body: &str, base64: bool) -> Request {
        let mut event = Event { is_base64_encoded: base64, ..Event::default() };
        event.headers.insert("content-type".into(), content_type.into());
        event.body = Some(body.into());
        Request::new(event, &SPEC, &Clock::system())
    }

    fn read(content_type: &str, body: &str, base64: bool) -> Result<(), Kind> {
        request(content_type, body, base64).read_body().map_err(|problem| problem.kind())
    }

    #[test]
    fn a_body_must_say_that_it_is_json() {
        for good in
            ["application/json", "Application/JSON; charset=utf-8", "application/merge-patch+json"]
        {
            assert_eq!(read(good, "{}", false), Ok(()), "{good}");
        }
        for bad in ["", "text/plain", "application/jsonp", "application/x-www-form-urlencoded"] {
            assert_eq!(read(bad, "{}", false), Err(Kind::UnsupportedMediaType), "{bad}");
        }
    }

    #[test]
    fn a_body_has_a_largest_size_in_either_encoding() {
        let fits = format!("{{\"a\":\"{}\"}}", "x".repeat(BODY_LIMIT - 8));
        assert_eq!(fits.len(), BODY_LIMIT);
        let long = format!("{fits} ");
        assert_eq!(read("application/json", &fits, false), Ok(()));
        assert_eq!(read("application/json", &long, false), Err(Kind::PayloadTooLarge));
        assert_eq!(read("application/json", &STANDARD.encode(&fits), true), Ok(()));
        let long = STANDARD.encode(&long);
        assert_eq!(read("application/json", &long, true), Err(Kind::PayloadTooLarge));
    }

    #[test]
    fn a_body_that_is_not_base64_is_malformed() {
        assert_eq!(read("application/json", "{}", true), Err(Kind::MalformedJson));
    }

    #[test]
    fn an_alias_has_the_instance_of_its_route() {
        assert_eq!(instance(&SPEC, "/tasks"), "/v1/tasks");
        assert_eq!(instance(&SPEC, "/v1/tasks"), "/v1/tasks");
        let other = Spec::default_route("x");
        assert_eq!(instance(&other, "/a b/\u{e4}?"), "/a%20b/%C3%A4%3F");
        assert!(instance(&other, &"x".repeat(5000)).len() <= SHOWN_PATH);
    }

    #[test]
    fn a_request_id_is_kept_if_it_is_well_formed() {
        for (given, kept) in [("abc-1.2_3", true), ("", false), ("a b", false), ("\u{e4}", false)] {
            let mut event = Event::default();
            event.headers.insert("X-Request-Id".into(), given.into());
            let request = Request::new(event, &SPEC, &Clock::system());
            assert_eq!(request.id == given, kept, "{given}");
        }
    }
}
