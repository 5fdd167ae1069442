//! The Lambda Runtime API, as far as a function process needs it.

use std::collections::{HashMap, HashSet, VecDeque};
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

/// Which of the processes that share the work: each has an address of its own.
pub(crate) type Seat = u16;

type Answer = Result<Bytes, String>;

#[derive(Default)]
struct Desk {
    waiting: Mutex<VecDeque<Invocation>>,
    running: Mutex<HashMap<String, Running>>,
    /// Those whose process was killed.
    empty: Mutex<HashSet<Seat>>,
    arrived: Notify,
}

struct Invocation {
    id: String,
    event: String,
    deadline: Duration,
    answer: oneshot::Sender<Answer>,
    taken: oneshot::Sender<Seat>,
}

struct Running {
    seat: Seat,
    answer: oneshot::Sender<Answer>,
}

/// An event that waits for a process, and then for its answer.
pub(crate) struct Pending {
    /// Who has taken it.
    pub(crate) taken: oneshot::Receiver<Seat>,
    answered: oneshot::Receiver<Answer>,
}

impl RuntimeApi {
    /// Listens on a free port.
    pub async fn start() -> Self {
        Self::open(Arc::default()).await
    }

    /// Another address at which the same events are to be had.
    pub(crate) async fn another(&self) -> Self {
        Self::open(Arc::clone(&self.desk)).await
    }

    async fn open(desk: Arc<Desk>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let base = "/2018-06-01/runtime";
        let router = Router::new()
            .route(&format!("{base}/invocation/next"), get(next))
            .route(&format!("{base}/invocation/{{id}}/response"), post(response))
            .route(&format!("{base}/invocation/{{id}}/error"), post(error))
            .route(&format!("{base}/init/error"), post(|| async { StatusCode::ACCEPTED }))
            .with_state((Arc::clone(&desk), address.port()));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address: address.to_string(), desk }
    }

    /// What a function finds in `AWS_LAMBDA_RUNTIME_API`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Which seat this address is.
    pub(crate) fn seat(&self) -> Seat {
        self.address.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port")
    }

    /// Has some process answer an event within a time.
    pub async fn invoke(&self, event: String, time: Duration) -> Result<Bytes, String> {
        self.begin(event, time).answer(time).await
    }

    /// Has some process answer an event, which it is told to do within a time.
    pub(crate) fn begin(&self, event: String, time: Duration) -> Pending {
        let (answer, answered) = oneshot::channel();
        let (take, taken) = oneshot::channel();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let id = Uuid::now_v7().to_string();
        let invocation = Invocation { id, event, deadline: now + time, answer, taken: take };
        lock(&self.desk.waiting).push_back(invocation);
        self.desk.arrived.notify_one();
        Pending { taken, answered }
    }

    /// The process at this seat was killed: it takes no more, and what it was at has no answer.
    pub(crate) fn leave(&self, seat: Seat) {
        lock(&self.desk.empty).insert(seat);
        lock(&self.desk.running).retain(|_, running| running.seat != seat);
    }
}

impl Pending {
    /// The answer.
    pub(crate) async fn answer(self, time: Duration) -> Result<Bytes, String> {
        match tokio::time::timeout(time, self.answered).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err("the process ended".to_owned()),
            Err(_) => Err("no answer in time".to_owned()),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

type Desked = State<(Arc<Desk>, Seat)>;

async fn next(State((desk, seat)): Desked) -> Response {
    loop {
        let arrived = desk.arrived.notified();
        let invocation = {
            // Nobody leaves between this look and the taking.
            let empty = lock(&desk.empty);
            if empty.contains(&seat) {
                desk.arrived.notify_one();
                return StatusCode::GONE.into_response();
            }
            let invocation = lock(&desk.waiting).pop_front();
            invocation.map(|Invocation { id, event, deadline, answer, taken }| {
                let _ = taken.send(seat);
                lock(&desk.running).insert(id.clone(), Running { seat, answer });
                (id, event, deadline)
            })
        };
        if let Some((id, event, deadline)) = invocation {
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

async fn response(State((desk, _)): Desked, Path(id): Path<String>, body: Bytes) -> StatusCode {
    finish(&desk, &id, Ok(body))
}

async fn error(State((desk, _)): Desked, Path(id): Path<String>, body: Bytes) -> StatusCode {
    finish(&desk, &id, Err(String::from_utf8_lossy(&body).into_owned()))
}

fn finish(desk: &Desk, id: &str, result: Answer) -> StatusCode {
    match lock(&desk.running).remove(id) {
        Some(running) => {
            let _ = running.answer.send(result);
            StatusCode::ACCEPTED
        }
        None => StatusCode::NOT_FOUND,
    }
}
