//! Events, as the gateway makes them, and their answers.

use std::collections::BTreeMap;
use std::time::Instant;

use issuer::{Issuer, Person};
use local::lambda::Function;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::Failed;
use crate::stats::Samples;

/// What a function is given.
pub(crate) type Event = String;

/// Somebody who calls.
#[derive(Clone)]
pub(crate) struct Caller {
    issuer: Issuer,
    person: Person,
}

/// Somebody who calls, with a token that is good for some minutes.
pub(crate) struct Bearer {
    authorization: String,
}

impl Caller {
    /// Somebody new, with one role.
    pub(crate) fn new(issuer: &Issuer, role: &str) -> Self {
        Self { issuer: issuer.clone(), person: Person::new(role, &[role]) }
    }

    /// Somebody who is in the database already.
    pub(crate) fn known(issuer: &Issuer, role: &str, id: Uuid) -> Self {
        let person = Person { sub: id, ..Person::new(role, &[role]) };
        Self { issuer: issuer.clone(), person }
    }

    /// Signs in.
    pub(crate) fn bearer(&self) -> Bearer {
        Bearer { authorization: format!("Bearer {}", self.issuer.mint(&self.person)) }
    }
}

impl Bearer {
    /// `GET /v1/tasks/{id}`.
    pub(crate) fn get(&self, id: &str) -> Event {
        self.get_if_none_match(id, None)
    }

    /// The same without a token.
    pub(crate) fn get_as_nobody(id: &str) -> Event {
        Self { authorization: String::new() }.get(id)
    }

    /// The same, with the tag of what is known already.
    pub(crate) fn get_if_none_match(&self, id: &str, etag: Option<&str>) -> Event {
        let mut event = self.event("GET", "/v1/tasks/{id}", &format!("/v1/tasks/{id}"), "");
        event["pathParameters"] = json!({ "id": id });
        if let Some(etag) = etag {
            event["headers"]["if-none-match"] = etag.into();
        }
        event.to_string()
    }

    /// `GET /v1/tasks?…`.
    pub(crate) fn list(&self, query: &str) -> Event {
        self.event("GET", "/v1/tasks", "/v1/tasks", query).to_string()
    }

    /// `POST /v1/tasks`.
    pub(crate) fn create(&self, body: &Value) -> Event {
        let mut event = self.event("POST", "/v1/tasks", "/v1/tasks", "");
        event["headers"]["content-type"] = "application/json".into();
        event["body"] = body.to_string().into();
        event.to_string()
    }

    /// The header that says who calls.
    pub(crate) fn authorization(&self) -> &str {
        &self.authorization
    }

    fn event(&self, method: &str, route: &str, path: &str, query: &str) -> Value {
        let key = format!("{method} {route}");
        json!({
            "version": "2.0",
            "routeKey": key,
            "rawPath": path,
            "rawQueryString": query,
            "headers": {
                "accept": "application/json",
                "authorization": self.authorization,
                "host": "api.example.com",
                "user-agent": "bench",
                "x-amzn-trace-id": TRACE,
                "x-forwarded-for": "127.0.0.1",
                "x-forwarded-port": "443",
                "x-forwarded-proto": "https",
            },
            "requestContext": {
                "accountId": "000000000000",
                "apiId": "bench",
                "domainName": "api.example.com",
                "domainPrefix": "api",
                "http": {
                    "method": method,
                    "path": path,
                    "protocol": "HTTP/1.1",
                    "sourceIp": "127.0.0.1",
                    "userAgent": "bench",
                },
                "requestId": "JKJaXmPLvHcESHA=",
                "routeKey": key,
                "stage": "$default",
                "time": "12/Mar/2026:19:03:58 +0000",
                "timeEpoch": 1_773_342_238_000_u64,
            },
            "isBase64Encoded": false,
        })
    }
}

/// A body for a new task, each a little different.
pub(crate) fn new_task(number: usize) -> Value {
    json!({
        "title": format!("Renew the certificate of host {number}"),
        "description": "Before the old one expires; the steps are in the handbook.",
        "priority": (["low", "normal", "high", "urgent"][number % 4]),
        "labels": ["operations", "security"],
        "due_at": "2030-06-01T12:00:00Z",
    })
}

const TRACE: &str = "Root=1-00000000-000000000000000000000000";

/// An answer, as far as it is looked at.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer {
    pub(crate) status_code: u16,
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) body: String,
}

impl Answer {
    /// A text of the body.
    pub(crate) fn text(&self, name: &str) -> Result<String, Failed> {
        let body: Value = serde_json::from_str(&self.body)?;
        Ok(body[name].as_str().ok_or_else(|| format!("no {name} in {}", self.body))?.to_owned())
    }

    /// A header.
    pub(crate) fn header(&self, name: &str) -> Result<&str, Failed> {
        let value = self.headers.get(name).map(String::as_str);
        Ok(value.ok_or_else(|| format!("no header {name} in the answer"))?)
    }
}

/// Has a function answer, with this status.
pub(crate) async fn ask(function: &Function, event: Event, status: u16) -> Result<Answer, Failed> {
    timed(function, event, status, &mut Samples::default()).await
}

/// The same, and takes the time.
pub(crate) async fn timed(
    function: &Function,
    event: Event,
    status: u16,
    samples: &mut Samples,
) -> Result<Answer, Failed> {
    let begin = Instant::now();
    let answer = function.invoke(event.into(), TRACE).await;
    samples.since(begin);
    let name = &function.settings().name;
    let answer = answer.map_err(|failure| format!("{name}: {failure}"))?;
    let answer: Answer = serde_json::from_slice(&answer)?;
    if answer.status_code != status {
        let Answer { status_code, body, .. } = &answer;
        return Err(format!("{name} answered {status_code} instead of {status}: {body}").into());
    }
    Ok(answer)
}
