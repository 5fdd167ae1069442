//! JSON for tests.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{change, find, parse};
use crate::behaviour::Behaviour;
use crate::mail::Mail;
use crate::parsed::Parsed;
use crate::shared::Shared;

type Shares = State<Arc<Shared>>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    /// One of the recipients, in any case.
    to: Option<String>,
    /// A part of the subject, in any case.
    subject: Option<String>,
}

impl Filter {
    fn matches(&self, mail: &Mail) -> bool {
        let to = |wanted: &String| mail.to.iter().any(|to| to.eq_ignore_ascii_case(wanted));
        let subject = |part: &String| mail.subject.to_lowercase().contains(&part.to_lowercase());
        self.to.as_ref().is_none_or(to) && self.subject.as_ref().is_none_or(subject)
    }
}

/// A mail with its contents.
#[derive(Serialize)]
struct Details<'a> {
    #[serde(flatten)]
    mail: &'a Mail,
    #[serde(flatten)]
    parsed: Parsed,
}

pub(super) struct Refusal(StatusCode, String);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "error": self.1 }))).into_response()
    }
}

impl From<std::io::Error> for Refusal {
    fn from(error: std::io::Error) -> Self {
        Self(StatusCode::INTERNAL_SERVER_ERROR, format!("the folder of the mails: {error}"))
    }
}

pub(super) async fn unknown() -> Refusal {
    let urls = "/api/messages, /api/messages/{id}, /api/messages/{id}/raw and /api/behaviour";
    Refusal(StatusCode::NOT_FOUND, format!("there is no such URL; there are {urls}"))
}

pub(super) async fn list(
    State(shared): Shares,
    filter: Result<Query<Filter>, QueryRejection>,
) -> Result<Response, Refusal> {
    let Query(filter) = filter.map_err(|error| {
        let reason = format!("{}; the filters are `to` and `subject`", error.body_text());
        Refusal(StatusCode::BAD_REQUEST, reason)
    })?;
    let mails = shared.store.list();
    let wanted: Vec<&Mail> =
        mails.iter().map(Arc::as_ref).filter(|mail| filter.matches(mail)).collect();
    Ok(Json(wanted).into_response())
}

pub(super) async fn show(
    State(shared): Shares,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let mail = find(&shared, &id).ok_or_else(no_mail)?;
    let parsed = parse(&mail).await;
    Ok(Json(Details { mail: &mail, parsed }).into_response())
}

pub(super) async fn raw(
    State(shared): Shares,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let mail = find(&shared, &id).ok_or_else(no_mail)?;
    let kind = [(header::CONTENT_TYPE, "message/rfc822")];
    Ok((kind, mail.raw.to_vec()).into_response())
}

pub(super) async fn delete(
    State(shared): Shares,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    let id = find(&shared, &id).ok_or_else(no_mail)?.id;
    change(&shared, move |store| store.remove(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn delete_all(State(shared): Shares) -> Result<StatusCode, Refusal> {
    change(&shared, crate::store::Store::clear).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn behaviour(State(shared): Shares) -> Json<Behaviour> {
    Json(shared.behaviours.get())
}

pub(super) async fn set_behaviour(
    State(shared): Shares,
    body: Bytes,
) -> Result<Json<Behaviour>, Refusal> {
    // By way of an object: serde would also take a list of the fields' values.
    let behaviour = serde_json::from_slice(&body)
        .and_then(|fields| serde_json::from_value::<Behaviour>(Value::Object(fields)));
    let behaviour = behaviour.map_err(|error| {
        let status = if error.is_data() {
            StatusCode::UNPROCESSABLE_ENTITY
        } else {
            StatusCode::BAD_REQUEST
        };
        Refusal(status, format!("{error}; {EXAMPLE}"))
    })?;
    let refuse = |reason| Refusal(StatusCode::UNPROCESSABLE_ENTITY, format!("{reason}"));
    shared.behaviours.set(behaviour.clone()).map_err(refuse)?;
    Ok(Json(behaviour))
}

const EXAMPLE: &str = r#"send JSON like {"fail": {"at": "rcpt", "code": 451, "times": 3}}"#;

pub(super) async fn reset_behaviour(State(shared): Shares) -> StatusCode {
    shared.behaviours.reset();
    StatusCode::NO_CONTENT
}

fn no_mail() -> Refusal {
    let reason = "there is no mail with this id; GET /api/messages lists those that there are";
    Refusal(StatusCode::NOT_FOUND, reason.to_owned())
}
