//! Answers that succeed. The type says the status.

use domain::Task;
use serde::Serialize;

use crate::etag::ETag;

/// An answer before the pipeline has added what all answers have.
#[derive(Debug)]
pub struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) etag: Option<ETag>,
    pub(crate) content_type: &'static str,
    pub(crate) body: String,
}

impl Response {
    /// A JSON body.
    pub fn json(status: u16, body: &impl Serialize) -> Self {
        Self {
            status,
            headers: Vec::new(),
            etag: None,
            content_type: "application/json",
            // Our own types: maps have string keys, numbers are finite.
            body: serde_json::to_string(body).unwrap_or_default(),
        }
    }

    /// With a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// What a handler returns.
pub trait Reply: Send {
    /// The statuses it can have.
    const STATUSES: &'static [u16];

    /// Becomes the answer.
    fn into_response(self) -> Response;
}

/// A thing with an address and a version.
pub trait Entity: Serialize + Send {
    /// Its address.
    fn location(&self) -> String;
    /// The tag of its version.
    fn etag(&self) -> ETag;
}

impl Entity for Task {
    fn location(&self) -> String {
        format!("/v1/tasks/{}", self.id)
    }

    fn etag(&self) -> ETag {
        ETag::of_version(self.version)
    }
}

/// 200 with a thing; 304 if the client has it.
pub struct Found<T>(pub T);

impl<T: Entity> Reply for Found<T> {
    const STATUSES: &'static [u16] = &[200, 304];

    fn into_response(self) -> Response {
        let mut response = Response::json(200, &self.0);
        response.etag = Some(self.0.etag());
        response
    }
}

/// 201 with the thing that was created.
pub struct Created<T> {
    /// The thing.
    pub entity: T,
    /// Whether an earlier request with the same key created it.
    pub replayed: bool,
}

impl<T: Entity> Reply for Created<T> {
    const STATUSES: &'static [u16] = &[201];

    fn into_response(self) -> Response {
        let mut response =
            Response::json(201, &self.entity).header("location", self.entity.location());
        response.etag = Some(self.entity.etag());
        if self.replayed {
            response = response.header("idempotency-replayed", "true");
        }
        response
    }
}

/// Never an answer: for routes that only have problems.
pub enum Never {}

impl Reply for Never {
    const STATUSES: &'static [u16] = &[];

    fn into_response(self) -> Response {
        match self {}
    }
}
