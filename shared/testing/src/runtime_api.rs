//! The Lambda Runtime API, as far as a function process needs it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot};
use uuid::Uuid;

/// Hands events to whoever asks for the next one, and takes their answers.
#[derive(Clone)]
pub struct RuntimeApi {
    address: String,
    desk: Arc<Desk>,
}

#[derive(Default)]
struct Desk {
    waiting: Mutex<VecDeque<Invocation>>,
    running: Mutex<HashMap<String, oneshot::Sender<Result<Bytes, String>>>>,
    arrived: Notify,
}

struct Invocation {
    id: String,
    event: String,
    deadline: Duration,
    answer: oneshot::Sender<Result<Bytes, String>>,
}

impl RuntimeApi {
    /// Listens on a free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let desk = Arc::new(Desk::default());
        let base = "/2018-06-01/runtime";
        let router = Router::new()
            .route(&format!("{base}/invocation/next"), get(next))
            .route(&format!("{base}/invocation/{{id}}/response"), post(response))
            .route(&format!("{base}/invocation/{{id}}/error"), post(error))
            .route(&format!("{base}/init/error"), post(|| async { StatusCode::ACCEPTED }))
            .with_state(Arc::clone(&desk));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, desk }
    }

    /// What a function finds in `AWS_LAMBDA_RUNTIME_API`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Has some process answer an event within a time.
    pub async fn invoke(&self, event: String, time: Duration) -> Result<Bytes, String> {
        let (answer, answered) = oneshot::channel();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let invocation =
            Invocation { id: Uuid::now_v7().to_string(), event, deadline: now + time, answer };
        lock(&self.desk.waiting).push_back(invocation);
        self.desk.arrived.notify_one();
        match tokio::time::timeout(time, answered).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err("the process ended".to_owned()),
            Err(_) => Err("no answer in time".to_owned()),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn next(State(desk): State<Arc<Desk>>) -> Response {
    loop {
        let arrived = desk.arrived.notified();
        let invocation = lock(&desk.waiting).pop_front();
        if let Some(Invocation { id, event, deadline, answer }) = invocation {
            lock(&desk.running).insert(id.clone(), answer);
            if !lock(&desk.waiting).is_empty() {
                desk.arrived.notify_one();
            }
            let mut response = event.into_response();
            let mut header = |name: &'static str, value: &str| {
                let value = HeaderValue::from_str(value).unwrap();
                response.headers_mut().insert(HeaderName::from_static(name), value);
            };
            header("lambda-runtime-aws-request-id", &id);
            header("lambda-runtime-deadline-ms", &deadline.as_millis().to_string());
            header("lambda-runtime-invoked-function-arn", "arn:aws:lambda:local:0:function:test");
            header("lambda-runtime-trace-id", "Root=1-00000000-000000000000000000000000");
            return response;
        }
        arrived.await;
    }
}

async fn response(
    State(desk): State<Arc<Desk>>,
    Path(id): Path<String>,
    body: Bytes,
) -> StatusCode {
    finish(&desk, &id, Ok(body))
}

async fn error(State(desk): State<Arc<Desk>>, Path(id): Path<String>, body: Bytes) -> StatusCode {
    finish(&desk, &id, Err(String::from_utf8_lossy(&body).into_owned()))
}

fn finish(desk: &Desk, id: &str, result: Result<Bytes, String>) -> StatusCode {
    match lock(&desk.running).remove(id) {
        Some(answer) => {
            let _ = answer.send(result);
            StatusCode::ACCEPTED
        }
        None => StatusCode::NOT_FOUND,
    }
}
