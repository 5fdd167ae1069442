//! Answers that succeed. The type says the status.

use domain::{Export, Me, Task, User};
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

    /// Without a body.
    pub const fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            etag: None,
            content_type: "application/json",
            body: String::new(),
        }
    }

    /// With a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// With the news that an earlier request with the same key did it, if so.
    fn replayed(self, replayed: bool) -> Self {
        if replayed { self.header("idempotency-replayed", "true") } else { self }
    }
}

/// What a handler returns.
pub trait Reply: Send {
    /// The statuses it can have.
    const STATUSES: &'static [u16];

    /// Becomes the answer.
    fn into_response(self) -> Response;
}

/// A thing that clients read and change.
pub trait Entity: Serialize + Send {
    /// The tag of its version; none if clients are not told of versions.
    fn etag(&self) -> Option<ETag>;
}

/// A thing that clients create.
pub trait Creatable: Entity {
    /// Where it can be read from then on.
    fn location(&self) -> String;
}

impl Entity for Task {
    fn etag(&self) -> Option<ETag> {
        Some(ETag::of_version(self.version))
    }
}

impl Creatable for Task {
    fn location(&self) -> String {
        format!("/v1/tasks/{}", self.id)
    }
}

impl Entity for Export {
    fn etag(&self) -> Option<ETag> {
        None
    }
}

impl Creatable for Export {
    fn location(&self) -> String {
        format!("/v1/exports/{}", self.id)
    }
}

impl Entity for User {
    fn etag(&self) -> Option<ETag> {
        None
    }
}

impl Entity for Me {
    fn etag(&self) -> Option<ETag> {
        None
    }
}

/// 200 with a thing; 304 if the client has it.
pub struct Found<T>(pub T);

impl<T: Entity> Reply for Found<T> {
    const STATUSES: &'static [u16] = &[200, 304];

    fn into_response(self) -> Response {
        let mut response = Response::json(200, &self.0);
        response.etag = self.0.etag();
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

impl<T> From<Changed<T>> for Created<T> {
    fn from(Changed { entity, replayed }: Changed<T>) -> Self {
        Self { entity, replayed }
    }
}

impl<T: Creatable> Reply for Created<T> {
    const STATUSES: &'static [u16] = &[201];

    fn into_response(self) -> Response {
        let mut response = Response::json(201, &self.entity)
            .header("location", self.entity.location())
            .replayed(self.replayed);
        response.etag = self.entity.etag();
        response
    }
}

/// 202 with a thing that somebody will work on.
pub struct Accepted<T> {
    /// The thing.
    pub entity: T,
    /// Whether an earlier request with the same key asked for it.
    pub replayed: bool,
}

impl<T> From<Changed<T>> for Accepted<T> {
    fn from(Changed { entity, replayed }: Changed<T>) -> Self {
        Self { entity, replayed }
    }
}

impl<T: Creatable> Reply for Accepted<T> {
    const STATUSES: &'static [u16] = &[202];

    fn into_response(self) -> Response {
        Response::json(202, &self.entity)
            .header("location", self.entity.location())
            .replayed(self.replayed)
    }
}

/// 200 with the thing as it is after the change.
pub struct Changed<T> {
    /// The thing.
    pub entity: T,
    /// Whether an earlier request with the same key changed it.
    pub replayed: bool,
}

impl<T: Entity> Reply for Changed<T> {
    const STATUSES: &'static [u16] = &[200];

    fn into_response(self) -> Response {
        let mut response = Response::json(200, &self.entity).replayed(self.replayed);
        response.etag = self.entity.etag();
        response
    }
}

/// 204: the thing is gone.
pub struct Deleted {
    /// Whether an earlier request with the same key deleted it.
    pub replayed: bool,
}

impl<T> From<Changed<T>> for Deleted {
    fn from(Changed { replayed, .. }: Changed<T>) -> Self {
        Self { replayed }
    }
}

impl Reply for Deleted {
    const STATUSES: &'static [u16] = &[204];

    fn into_response(self) -> Response {
        Response::empty(204).replayed(self.replayed)
    }
}

/// 200 with a list; 304 if the client has the same.
pub struct Listed<T>(pub T);

impl<T: Serialize + Send> Reply for Listed<T> {
    const STATUSES: &'static [u16] = &[200, 304];

    fn into_response(self) -> Response {
        let mut response = Response::json(200, &self.0);
        response.etag = Some(ETag::of_body(&response.body));
        response
    }
}

/// 200 with something that has no tag: nobody compares it.
pub struct Shown<T>(pub T);

impl<T: Serialize + Send> Reply for Shown<T> {
    const STATUSES: &'static [u16] = &[200];

    fn into_response(self) -> Response {
        Response::json(200, &self.0)
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn user() -> User {
        serde_json::from_value(json!({
            "id": "0197a1b2-0000-7000-8000-000000000001", "username": "u", "name": null,
            "email": null, "roles": [], "active": true,
            "last_seen_at": "2026-01-31T09:30:00.000Z",
        }))
        .unwrap()
    }

    fn header(response: &Response, name: &str) -> Option<String> {
        response.headers.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone())
    }

    fn task() -> Task {
        serde_json::from_value(json!({
            "id": "0197a1b2-0000-7000-8000-000000000002", "title": "t", "description": null,
            "status": "pending", "priority": "normal", "due_at": null, "labels": [],
            "assignee_id": null, "user_id": "0197a1b2-0000-7000-8000-000000000001", "version": 1,
            "created_at": "2026-01-01T00:00:00.000Z", "updated_at": "2026-01-01T00:00:00.000Z",
            "completed_at": null,
        }))
        .unwrap()
    }

    #[test]
    fn only_a_replay_says_so() {
        for replayed in [false, true] {
            let expected = replayed.then(|| "true".to_owned());
            for response in [
                Created { entity: task(), replayed }.into_response(),
                Changed { entity: user(), replayed }.into_response(),
                Deleted { replayed }.into_response(),
            ] {
                assert_eq!(header(&response, "idempotency-replayed"), expected);
            }
        }
    }

    #[test]
    fn only_what_has_a_version_or_is_a_list_has_a_tag() {
        assert_eq!(Changed { entity: user(), replayed: false }.into_response().etag, None);
        assert_eq!(Shown(user()).into_response().etag, None);
        let listed = Listed([user()]).into_response();
        assert_eq!(listed.etag, Some(ETag::of_body(&listed.body)));
    }

    #[test]
    fn what_is_gone_has_no_body() {
        let response = Deleted { replayed: false }.into_response();
        assert_eq!((response.status, response.body.as_str()), (204, ""));
    }
}
