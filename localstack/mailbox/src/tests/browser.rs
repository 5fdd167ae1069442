//! What other web sites cannot do with a developer's browser.

use http::{Method, StatusCode, header};

use super::http_api::Http;
use super::{Sender, start};

#[tokio::test]
async fn only_local_names_are_answered() {
    let mailbox = start();
    let http = Http::new(&mailbox);
    for (host, status) in [
        ("localhost", 200),
        ("LOCALHOST:1", 200),
        ("127.0.0.1:8025", 200),
        ("[::1]", 200),
        ("[::1]:8025", 200),
        ("evil.example", 403),
        ("evil.example:8025", 403),
        ("localhost.evil.example", 403),
        ("127.0.0.1.evil.example", 403),
        ("evil.example:127.0.0.1", 403),
        ("192.168.0.1:8025", 403),
        ("", 403),
    ] {
        for path in ["/", "/api/messages", "/style.css"] {
            let answer = http.ask(Method::GET, path, &[("host", host)], "").await;
            assert_eq!(answer.status, status, "{host} {path}");
        }
    }
}

#[tokio::test]
async fn other_sites_change_nothing() {
    let mailbox = start();
    let http = Http::new(&mailbox);
    let own = mailbox.url().to_owned();
    Sender::hello(&mailbox).await.mail("Subject: one\r\n\r\n").await;
    let foreign: [&[(&str, &str)]; 6] = [
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "cross-site"), ("origin", &own)],
        &[("origin", "https://evil.example")],
        &[("origin", "http://localhost:3000")],
        &[("origin", "null")],
    ];
    for headers in foreign {
        for (method, path) in [
            (Method::POST, "/delete-all"),
            (Method::POST, "/behave"),
            (Method::DELETE, "/api/messages"),
            (Method::PUT, "/api/behaviour"),
        ] {
            let answer = http.ask(method, path, headers, r#"{"drop_after_data": true}"#).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} {headers:?}");
        }
    }
    assert_eq!(mailbox.mails().len(), 1);
    assert!(!mailbox.behaviour().drop_after_data);
    assert_eq!(
        http.ask(Method::GET, "/", &[("sec-fetch-site", "cross-site")], "").await.status,
        StatusCode::OK,
        "a link to the page works"
    );
    for headers in [&[("sec-fetch-site", "same-origin")][..], &[("origin", &own)]] {
        let answer = http.ask(Method::POST, "/delete-all", headers, "").await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{headers:?}");
    }
    assert!(mailbox.mails().is_empty());
}

#[tokio::test]
async fn every_answer_tells_the_browser_to_be_careful() {
    let mailbox = start();
    let http = Http::new(&mailbox);
    for path in ["/", "/api/messages", "/nothing"] {
        let answer = http.get(path).await;
        let policy = answer.header(header::CONTENT_SECURITY_POLICY);
        assert!(policy.starts_with("default-src 'none'"), "{path}: {policy}");
        assert!(!policy.contains("script-src") && !policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(answer.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff", "{path}");
        assert_eq!(answer.headers["cross-origin-resource-policy"], "same-origin", "{path}");
    }
}
