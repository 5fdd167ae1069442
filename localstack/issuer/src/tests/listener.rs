//! A client of the realm that is told of logouts.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Form, State};
use axum::routing::post;
use http::{HeaderMap, StatusCode, header};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Keeps what it is told, and answers as the test wants it.
pub(super) struct Listener {
    pub(super) url: String,
    heard: Arc<Heard>,
    task: JoinHandle<()>,
}

struct Heard {
    tokens: Mutex<Vec<String>>,
    status: Mutex<StatusCode>,
    open: watch::Sender<bool>,
    answers: watch::Sender<usize>,
    calls: watch::Sender<usize>,
}

impl Listener {
    pub(super) async fn start() -> Self {
        let heard = Arc::new(Heard {
            tokens: Mutex::default(),
            status: Mutex::new(StatusCode::OK),
            open: watch::Sender::new(true),
            answers: watch::Sender::new(0),
            calls: watch::Sender::new(0),
        });
        let path = "/oidc/backchannel-logout";
        let router = Router::new().route(path, post(hear)).with_state(Arc::clone(&heard));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}{path}", listener.local_addr().unwrap());
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, heard, task }
    }

    /// The tokens that came.
    pub(super) fn tokens(&self) -> Vec<String> {
        self.heard.tokens.lock().unwrap().clone()
    }

    pub(super) fn answer(&self, status: StatusCode) {
        *self.heard.status.lock().unwrap() = status;
    }

    /// Listens, but answers nothing until `resume`.
    pub(super) fn hold(&self) {
        self.heard.open.send_replace(false);
    }

    pub(super) fn resume(&self) {
        self.heard.open.send_replace(true);
    }

    pub(super) async fn called(&self) {
        self.heard.calls.subscribe().wait_for(|calls| *calls > 0).await.unwrap();
    }

    /// Waits until a caller stayed for the answer.
    pub(super) async fn answered(&self) {
        self.heard.answers.subscribe().wait_for(|answers| *answers > 0).await.unwrap();
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn hear(
    State(heard): State<Arc<Heard>>,
    headers: HeaderMap,
    Form(mut form): Form<HashMap<String, String>>,
) -> StatusCode {
    assert_eq!(headers[header::CONTENT_TYPE], "application/x-www-form-urlencoded");
    let token = form.remove("logout_token").unwrap();
    assert!(form.is_empty(), "nothing else is sent");
    heard.tokens.lock().unwrap().push(token);
    heard.calls.send_modify(|calls| *calls += 1);
    heard.open.subscribe().wait_for(|open| *open).await.unwrap();
    heard.answers.send_modify(|answers| *answers += 1);
    *heard.status.lock().unwrap()
}
