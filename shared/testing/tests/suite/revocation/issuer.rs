//! The issuer's own logout: whoever signs out there is out here at once.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use futures_util::future::join;
use serde_json::Value;
use testing::{Setup, TestApp, own_issuer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};

use super::everywhere::PATH;

const CLIENT: &str = "client_id=fastapi-backend&client_secret=local-secret";

/// A form that was posted, and where its answer goes.
type Posted = (String, oneshot::Sender<u16>);

/// Listens as the API's gateway would. Where, and what comes.
async fn gateway() -> (String, mpsc::Receiver<Posted>) {
    let (posted, come) = mpsc::channel::<Posted>(1);
    let hear = move |form: String| {
        let posted = posted.clone();
        async move {
            let (answer, answered) = oneshot::channel();
            posted.send((form, answer)).await.expect("somebody listens");
            StatusCode::from_u16(answered.await.expect("an answer")).expect("a status")
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}{PATH}", listener.local_addr().unwrap());
    let router = Router::new().route(PATH, post(hear));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, come)
}

/// Posts a form: the status and the body. In HTTP/1.0 the answer ends with the connection.
async fn posted(url: &str, form: &str) -> (u16, Value) {
    let (host, path) = url.trim_start_matches("http://").split_once('/').expect("a path");
    let request = format!(
        "POST /{path} HTTP/1.0\r\nHost: {host}\r\nContent-Length: {}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\n\r\n{form}",
        form.len()
    );
    let mut stream = TcpStream::connect(host).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
    (status, serde_json::from_str(body).unwrap_or_default())
}

#[tokio::test]
async fn whoever_signs_out_at_the_issuer_is_out_at_once() {
    let issuer = own_issuer();
    let (url, mut come) = gateway().await;
    issuer.set_logout_url(Some(url));
    let logout_url = issuer.token_url().replace("/token", "/logout");
    let app = TestApp::with(Setup { issuer: Some(issuer), ..Setup::default() }).await;
    let sign_in = async || {
        let form = format!("{CLIENT}&grant_type=password&username=alice&password=alice");
        let (status, tokens) = posted(&app.issuer.token_url(), &form).await;
        assert_eq!(status, 200, "{tokens}");
        let text = |name: &str| tokens[name].as_str().expect("a token").to_owned();
        (app.bearing(format!("Bearer {}", text("access_token"))), text("refresh_token"))
    };
    let ((here, refresh), (there, _)) = (sign_in().await, sign_in().await);
    for session in [&here, &there] {
        for _ in 0..2 {
            session.get("/v1/tasks").send().await.expect(200);
        }
    }

    let hears = async {
        let (form, answer) = come.recv().await.expect("a logout");
        let mut call = app.anonymous().call("POST", PATH).form(&[]);
        call.event.body = Some(form);
        let reply = call.send().await.expect(200);
        answer.send(reply.status()).expect("the issuer waits");
        here.get("/v1/tasks").send().await.expect_problem("token-revoked");
    };
    let form = format!("{CLIENT}&refresh_token={refresh}");
    let ((status, _), ()) = join(posted(&logout_url, &form), hears).await;
    assert_eq!(status, 204);
    here.get("/v1/me").send().await.expect_problem("token-revoked");
    there.get("/v1/tasks").send().await.expect(200);
}
