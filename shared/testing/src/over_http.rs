//! The app over HTTP: the local cloud's gateway, and a process for each function.
//!
//! With `TEST_OVER_HTTP=1` the tests that call functions inside their own process call them this way.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::Bytes;
use axum::http::{HeaderName, HeaderValue, Request, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clock::Clock;
use config::Env;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use local::cloud::{Addresses, place};
use local::gateway::{self, Gateway};
use local::lambda::{Function, Logs};
use local::template::Template;
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};
use route::gateway::{Answer, Event};

use crate::fleet;
use crate::rig::rig;

/// What may stand in a path as it is.
const PATH: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// What may not stand in a query as it is.
const QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>');
/// What the gateway adds and functions do not answer.
const OF_THE_GATEWAY: [HeaderName; 3] =
    [header::DATE, header::CONNECTION, HeaderName::from_static("apigw-requestid")];

/// Enough for a test.
const PROCESSES: usize = 4;

/// A gateway of one's own.
pub(crate) struct OverHttp {
    gateway: Gateway,
    functions: HashMap<String, Function>,
    client: Client<HttpConnector, Full<Bytes>>,
}

static SENT: AtomicU64 = AtomicU64::new(0);

/// How many requests of this process have gone over HTTP.
pub fn sent_over_http() -> u64 {
    SENT.load(Ordering::Relaxed)
}

/// Whether tests are to go over HTTP.
pub fn is_wanted() -> bool {
    let env = Env::load().expect("an environment");
    env.optional::<u8>("TEST_OVER_HTTP").expect("0 or 1") == Some(1)
}

impl OverHttp {
    /// The routes of template.yaml, with functions that have these settings.
    pub(crate) async fn start(functions: impl Iterator<Item = (&'static str, Env)>) -> Self {
        let logs = Logs::to(|_, _, words| crate::log::keep(words));
        let clock = Clock::system();
        let functions = functions.map(|(name, env)| {
            let settings = fleet::settings(name, &env, PROCESSES);
            (name.to_owned(), Function::new(settings, clock.clone(), logs.clone()))
        });
        let functions = functions.collect();
        let text = std::fs::read_to_string(services::checkout().join("template.yaml")).unwrap();
        let place = place(&Addresses::moved_by(0).unwrap(), &rig().state);
        let template = Template::read(&text, &place).unwrap();
        let at = gateway::Settings::at(SocketAddr::from(([127, 0, 0, 1], 0)));
        let gateway = Gateway::start(at, &template, &functions, clock, logs).await.unwrap();
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { gateway, functions, client }
    }

    /// New processes take the place of all.
    pub(crate) fn restart(&self) {
        self.functions.values().for_each(Function::renew);
    }

    /// Sends the request that the event tells of.
    pub(crate) async fn answer(&self, event: &Event) -> Answer {
        let path = utf8_percent_encode(&event.raw_path, PATH);
        let query = utf8_percent_encode(&event.raw_query_string, QUERY);
        let mark = if event.raw_query_string.is_empty() { "" } else { "?" };
        let uri = format!("http://{}{path}{mark}{query}", self.gateway.address());
        let mut request =
            Request::builder().method(event.request_context.http.method.as_str()).uri(uri);
        for (name, value) in &event.headers {
            request = request.header(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let body = body_of(event).expect("a body that a gateway would tell of");
        let request = request.body(Full::from(body)).expect("a request");
        SENT.fetch_add(1, Ordering::Relaxed);
        let (head, body) = self.client.request(request).await.expect("an answer").into_parts();
        let body = body.collect().await.expect("all of the answer").to_bytes();
        let mut answer = Answer {
            status_code: head.status.as_u16(),
            body: String::from_utf8(body.into()).expect("text"),
            ..Answer::default()
        };
        for (name, value) in &head.headers {
            let framing = name == header::CONTENT_LENGTH;
            if !framing && !OF_THE_GATEWAY.contains(name) {
                answer.headers.insert(name.as_str().into(), value.to_str().unwrap().into());
            }
        }
        answer
    }
}

/// The body of the request that an event tells of; none if it is said to be base64 and is not.
pub(crate) fn body_of(event: &Event) -> Option<Bytes> {
    match &event.body {
        Some(body) if event.is_base64_encoded => STANDARD.decode(body).ok().map(Bytes::from),
        Some(body) => Some(body.clone().into()),
        None => Some(Bytes::new()),
    }
}
