//! The JSON that tests read.

use axum::body::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use super::{Sender, start};
use crate::Mailbox;

/// Asks over HTTP.
pub(super) struct Http(String);

pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.body))
    }

    pub(super) fn header(&self, name: header::HeaderName) -> &str {
        self.headers[name].to_str().unwrap()
    }
}

impl Http {
    pub(super) fn new(mailbox: &Mailbox) -> Self {
        Self(mailbox.url().to_owned())
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, &[], "").await
    }

    pub(super) async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.0));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::<Bytes>::from(body.to_owned())).unwrap();
        let answer =
            Client::builder(TokioExecutor::new()).build_http().request(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let body = String::from_utf8_lossy(&body).into_owned();
        Answer { status: parts.status, headers: parts.headers, body }
    }
}

const MAIL: &str = "Subject: =?utf-8?q?T=C3=BCr?= one\r\nMessage-ID: <1@app>\r\nX-Tag: a\r\n\
                    X-Tag: b\r\n c\r\nContent-Type: multipart/mixed; boundary=m\r\n\r\n\
                    --m\r\nContent-Type: text/plain\r\n\r\ntext\r\n\
                    --m\r\nContent-Type: application/pdf; name=plan.pdf\r\n\
                    Content-Disposition: attachment\r\n\r\npdf\r\n--m--\r\n";

#[tokio::test]
async fn mails_are_listed_shown_and_deleted() {
    let mailbox = start();
    let http = Http::new(&mailbox);
    assert_eq!(http.get("/api/messages").await.json(), json!([]));
    let mut sender = Sender::hello(&mailbox).await;
    sender.mail(MAIL).await;
    sender.begin("Bob@example.org").await;
    sender.must("Subject: two\r\n\r\n.", "250 ").await;

    let list = http.get("/api/messages").await.json();
    let (two, one) = (&list[0], &list[1]);
    let mails = mailbox.mails();
    assert_eq!(two["subject"], "two");
    assert_eq!(two["message_id"], Value::Null);
    let at = mails[1].received_at.format(&time::format_description::well_known::Rfc3339).unwrap();
    assert!(at.ends_with('Z'), "{at}");
    assert_eq!(
        *one,
        json!({
            "id": mails[1].id,
            "received_at": at,
            "from": "app@example.org",
            "to": ["ann@example.org"],
            "subject": "T\u{fc}r one",
            "message_id": "1@app",
            "size": MAIL.len(),
        })
    );

    let url = format!("/api/messages/{}", mails[1].id);
    let mut shown = http.get(&url).await.json();
    assert_eq!(shown["headers"][2], json!({ "name": "X-Tag", "value": "a" }));
    assert_eq!(shown["headers"][3], json!({ "name": "X-Tag", "value": "b c" }));
    assert_eq!((&shown["text"], &shown["html"]), (&json!("text"), &Value::Null));
    let plan = json!({ "name": "plan.pdf", "content_type": "application/pdf", "size": 3 });
    assert_eq!(shown["attachments"], json!([plan]));
    for more in ["headers", "text", "html", "attachments"] {
        shown.as_object_mut().unwrap().remove(more);
    }
    assert_eq!(shown, *one, "the rest is as in the list");
    let raw = http.get(&format!("{url}/raw")).await;
    assert_eq!((raw.header(header::CONTENT_TYPE), raw.body.as_str()), ("message/rfc822", MAIL));

    for expected in [StatusCode::NO_CONTENT, StatusCode::NOT_FOUND] {
        assert_eq!(http.ask(Method::DELETE, &url, &[], "").await.status, expected);
    }
    assert_eq!(mailbox.mails().len(), 1);
    let answer = http.ask(Method::DELETE, "/api/messages", &[], "").await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert!(mailbox.mails().is_empty());
}

#[tokio::test]
async fn the_list_can_be_filtered() {
    let mailbox = start();
    let http = Http::new(&mailbox);
    let mut sender = Sender::hello(&mailbox).await;
    sender.mail(MAIL).await;
    sender.begin("Bob@example.org").await;
    sender.must("Subject: two\r\n\r\n.", "250 ").await;
    for (query, subjects) in [
        ("to=bob@example.org", vec!["two"]),
        ("to=example.org", vec![]),
        ("subject=t%C3%9CR", vec!["T\u{fc}r one"]),
        ("subject=o", vec!["two", "T\u{fc}r one"]),
        ("subject=o&to=ann@example.org", vec!["T\u{fc}r one"]),
    ] {
        let list = http.get(&format!("/api/messages?{query}")).await.json();
        let found: Vec<_> =
            list.as_array().unwrap().iter().map(|mail| mail["subject"].as_str().unwrap()).collect();
        assert_eq!(found, subjects, "{query}");
    }
    let answer = http.get("/api/messages?from=app").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "a filter that would do nothing");
    assert!(answer.json()["error"].as_str().unwrap().contains("`to` and `subject`"));
}

#[tokio::test]
async fn what_does_not_exist_is_said_in_json() {
    let mailbox = start();
    let http = Http::new(&mailbox);
    let unknown = uuid::Uuid::nil();
    for path in ["nothing", "messages/1", &format!("messages/{unknown}"), "messages/x/raw"] {
        let answer = http.get(&format!("/api/{path}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert!(answer.json()["error"].is_string(), "{path}");
    }
}

#[tokio::test]
async fn a_behaviour_is_set_shown_and_ended() {
    let mailbox = start();
    let http = Http::new(&mailbox);
    let put = |body: &'static str| http.ask(Method::PUT, "/api/behaviour", &[], body);
    let normal =
        json!({ "delay_ms": 0, "delay_at": "data", "fail": null, "drop_after_data": false });
    assert_eq!(http.get("/api/behaviour").await.json(), normal);

    let answer = put(r#"{"fail": {"at": "rcpt", "code": 451, "times": 2}}"#).await;
    assert_eq!(answer.status, StatusCode::OK);
    let mut sender = Sender::hello(&mailbox).await;
    sender.must("MAIL FROM:<app@example.org>", "250 ").await;
    sender.must("RCPT TO:<ann@example.org>", "451 ").await;
    let left = json!({ "at": "rcpt", "code": 451, "times": 1, "recipient": null });
    assert_eq!(http.get("/api/behaviour").await.json()["fail"], left);

    for (body, status) in [
        ("", 400),
        ("{", 400),
        ("[]", 422),
        (r#"{"delay": 1}"#, 422),
        (r#"{"delay_ms": -1}"#, 422),
        (r#"{"fail": {"at": "dinner", "code": 451}}"#, 422),
        (r#"{"fail": {"at": "rcpt"}}"#, 422),
        (r#"{"fail": {"at": "rcpt", "code": 250}}"#, 422),
    ] {
        let answer = put(body).await;
        assert_eq!(answer.status, status, "{body}");
        assert!(answer.json()["error"].as_str().unwrap().len() > 20, "{body}");
    }
    assert_eq!(http.get("/api/behaviour").await.json()["fail"], left, "the old one stays");

    let answer = http.ask(Method::DELETE, "/api/behaviour", &[], "").await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert_eq!(http.get("/api/behaviour").await.json(), normal);
}
