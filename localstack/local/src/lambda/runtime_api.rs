//! The Lambda Runtime API: each process has an address of its own.

use std::sync::Arc;
use std::time::UNIX_EPOCH;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::desk::{Event, Next};
use super::function::Inner;
use super::logs::Stream;
use super::{Failure, PAYLOAD_LIMIT, Seat};

/// The API of one process, until it is dropped.
pub(super) struct RuntimeApi {
    address: String,
    server: JoinHandle<()>,
}

/// Whose process it is, and which.
type Of = State<(Arc<Inner>, Seat)>;

impl RuntimeApi {
    pub(super) async fn open(function: Arc<Inner>, seat: Seat) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .route("/2018-06-01/runtime/init/error", post(init_error))
            .with_state((function, seat));
        let server = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { address, server })
    }

    /// What the process finds in `AWS_LAMBDA_RUNTIME_API`.
    pub(super) fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn next(State((function, seat)): Of) -> Response {
    let event = match function.desk.next(seat, function.clock.now()) {
        Next::Event(event) => event,
        Next::Wait(event) => match event.await {
            Ok(event) => event,
            Err(_) => return gone().await,
        },
        Next::Leave => {
            function.end(seat);
            return gone().await;
        }
    };
    handed(&function, event)
}

/// The process is about to be ended. To any answer it would have something to say.
async fn gone() -> Response {
    std::future::pending().await
}

fn handed(function: &Inner, event: Event) -> Response {
    let deadline = function.clock.now() + function.settings.timeout;
    let deadline = deadline.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis().to_string();
    let arn = format!(
        "arn:aws:lambda:{}:{}:function:{}",
        services::REGION,
        crate::template::ACCOUNT,
        function.settings.name
    );
    let headers = [
        ("lambda-runtime-aws-request-id", event.id),
        ("lambda-runtime-deadline-ms", deadline),
        ("lambda-runtime-invoked-function-arn", arn),
        ("lambda-runtime-trace-id", event.trace),
    ];
    let mut response = event.payload.into_response();
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::try_from(value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
    response
}

async fn response(State((function, seat)): Of, Path(id): Path<String>, body: Body) -> StatusCode {
    match Limited::new(body, PAYLOAD_LIMIT).collect().await {
        Ok(body) => finish(&function, seat, &id, Ok(body.to_bytes())),
        Err(error) if error.is::<LengthLimitError>() => {
            finish(&function, seat, &id, Err(Failure::AnswerTooLarge));
            StatusCode::PAYLOAD_TOO_LARGE
        }
        // The process is gone, or sends no HTTP: its end says what is to be said.
        Err(_) => StatusCode::BAD_REQUEST,
    }
}

async fn error(State((function, seat)): Of, Path(id): Path<String>, body: Bytes) -> StatusCode {
    let words = String::from_utf8_lossy(&body).into_owned();
    finish(&function, seat, &id, Err(Failure::Function(words)))
}

fn finish(function: &Inner, seat: Seat, id: &str, answer: Result<Bytes, Failure>) -> StatusCode {
    if function.desk.finish(seat, id, answer, function.clock.now()) {
        StatusCode::ACCEPTED
    } else {
        StatusCode::BAD_REQUEST
    }
}

async fn init_error(State((function, _)): Of, body: Bytes) -> StatusCode {
    let words = String::from_utf8_lossy(&body);
    function.logs.line(&function.settings.name, Stream::Runner, &format!("cannot start: {words}"));
    StatusCode::ACCEPTED
}
