//! Who calls, and what they call.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use issuer::Person;
use route::gateway::Event;
use serde_json::Value;
use uuid::Uuid;

use crate::app::TestApp;
use crate::reply::Reply;

/// Somebody who calls.
#[derive(Clone)]
pub struct Caller<'a> {
    app: &'a TestApp,
    person: Option<Person>,
    authorization: Option<String>,
}

impl<'a> Caller<'a> {
    pub(crate) const fn new(
        app: &'a TestApp,
        person: Option<Person>,
        authorization: Option<String>,
    ) -> Self {
        Self { app, person, authorization }
    }

    /// The caller's id.
    pub fn id(&self) -> Uuid {
        self.person().sub
    }

    /// Who the caller is.
    pub fn person(&self) -> &Person {
        self.person.as_ref().expect("a caller with a token of the issuer")
    }

    /// The app that is called.
    pub const fn app(&self) -> &'a TestApp {
        self.app
    }

    /// The `Authorization` header.
    pub fn authorization(&self) -> Option<&str> {
        self.authorization.as_deref()
    }

    /// A call with any method.
    pub fn call(&self, method: &str, path: &str) -> Call<'a> {
        let (function, mut event) = self.app.route(method, path);
        if let Some(authorization) = &self.authorization {
            event.headers.insert("authorization".into(), authorization.clone());
        }
        Call { app: self.app, function, event, time_left: None }
    }

    /// `GET path`.
    pub fn get(&self, path: &str) -> Call<'a> {
        self.call("GET", path)
    }

    /// `POST path` with a JSON body.
    pub fn post(&self, path: &str, body: &Value) -> Call<'a> {
        self.call("POST", path).json(&body.to_string())
    }

    /// `PATCH path` with a JSON body.
    pub fn patch(&self, path: &str, body: &Value) -> Call<'a> {
        self.call("PATCH", path).json(&body.to_string())
    }

    /// `PUT path` with a JSON body.
    pub fn put(&self, path: &str, body: &Value) -> Call<'a> {
        self.call("PUT", path).json(&body.to_string())
    }

    /// `DELETE path`.
    pub fn delete(&self, path: &str) -> Call<'a> {
        self.call("DELETE", path)
    }

    /// Creates a task, which must succeed.
    #[track_caller]
    pub fn create(&self, body: &Value) -> impl Future<Output = Value> {
        let call = self.post("/v1/tasks", body);
        async move { call.send().await.expect(201).json() }
    }
}

/// A call on its way.
#[derive(Clone)]
pub struct Call<'a> {
    app: &'a TestApp,
    function: &'static str,
    /// What the function will be told.
    pub event: Event,
    time_left: Option<Duration>,
}

impl Call<'_> {
    /// The function that answers it.
    pub const fn function(&self) -> &'static str {
        self.function
    }

    /// With a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.event.headers.insert(name.to_ascii_lowercase(), value.into());
        self
    }

    /// Without a header.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.event.headers.remove(name);
        self
    }

    /// With this text as a JSON body, whether it is JSON or not.
    #[must_use]
    pub fn json(self, body: &str) -> Self {
        let mut call = self.header("content-type", "application/json");
        call.event.body = Some(body.to_owned());
        call
    }

    /// With these bytes as a JSON body, in base64 as the gateway sends what is no text.
    #[must_use]
    pub fn bytes(self, body: &[u8]) -> Self {
        let mut call = self.json(&STANDARD.encode(body));
        call.event.is_base64_encoded = true;
        call
    }

    /// With these fields as a form.
    #[must_use]
    pub fn form(self, fields: &[(&str, &str)]) -> Self {
        let mut call = self.header("content-type", "application/x-www-form-urlencoded");
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        call.event.body = Some(form);
        call
    }

    /// From another address.
    #[must_use]
    pub fn from(mut self, source_ip: &str) -> Self {
        source_ip.clone_into(&mut self.event.request_context.http.source_ip);
        self
    }

    /// With an idempotency key.
    #[must_use]
    pub fn key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    /// With less time than a function usually has.
    #[must_use]
    pub const fn within(mut self, time: Duration) -> Self {
        self.time_left = Some(time);
        self
    }

    /// Calls.
    pub async fn send(&self) -> Reply {
        self.app.answer(self.function, &self.event, self.time_left).await
    }
}
