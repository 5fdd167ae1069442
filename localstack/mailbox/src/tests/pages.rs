//! The pages that developers read.

use http::{Method, StatusCode, header};

use super::http_api::Http;
use super::{Sender, start};
use crate::Behaviour;

const HOSTILE: &str = "From: \"<script>alert(1)</script>\" <app@example.org>\r\n\
    Subject: <script>alert('1')</script> & \"more\"\r\n\
    X-<b>: <script>alert(2)</script>\r\n\
    Content-Type: multipart/mixed; boundary=m\r\n\r\n\
    --m\r\nContent-Type: text/plain\r\n\r\n</pre><script>alert(3)</script>\r\n\
    --m\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<h1>T\u{fc}r</h1><script>alert(4)</script>\r\n\
    --m\r\nContent-Type: text/html\r\n\
    Content-Disposition: attachment; filename=\"<script>\\\"\u{fc}.html\"\r\n\r\n\
    <script>alert(5)</script>\r\n--m--\r\n";

#[tokio::test]
async fn an_empty_list_says_what_to_do() {
    let mailbox = start();
    let page = Http::new(&mailbox).get("/").await;
    assert_eq!(page.header(header::CONTENT_TYPE), "text/html; charset=utf-8");
    assert!(page.body.contains("No mail yet"), "{}", page.body);
    assert!(page.body.contains(&mailbox.smtp_address().to_string()), "where to send to");
    assert!(page.body.contains(r#"<meta http-equiv="refresh""#), "it refreshes itself");
    assert!(!page.body.contains("Delete all"), "there is nothing to delete");
}

#[tokio::test]
async fn what_is_in_a_mail_never_becomes_part_of_a_page() {
    let mailbox = start();
    let http = Http::new(&mailbox);
    let mut sender = Sender::hello(&mailbox).await;
    sender.must("MAIL FROM:<\"<script>\"@example.org>", "250 ").await;
    sender.must("RCPT TO:<\"<script>\"@example.org>", "250 ").await;
    sender.must("DATA", "354 ").await;
    sender.write(HOSTILE).await;
    sender.must(".", "250 ").await;
    let id = mailbox.mails()[0].id;
    for path in ["/".to_owned(), format!("/messages/{id}")] {
        let page = http.get(&path).await.body;
        assert!(!page.contains("<script"), "{path}: {page}");
        let subject = "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;more&quot;";
        assert!(page.contains(subject), "{path}: {page}");
    }
    let page = http.get(&format!("/messages/{id}")).await.body;
    assert!(page.contains("&lt;/pre&gt;&lt;script&gt;alert(3)"), "{page}");
    assert!(page.contains("&lt;script&gt;alert(2)"), "{page}");
    assert!(page.contains(&format!(r#"src="/messages/{id}/html""#)), "{page}");
    assert!(page.contains(r#"<iframe sandbox="allow-popups "#), "{page}");
}

#[tokio::test]
async fn the_html_of_a_mail_is_locked_in() {
    let mailbox = start();
    let http = Http::new(&mailbox);
    Sender::hello(&mailbox).await.mail(HOSTILE).await;
    let answer = http.get(&format!("/messages/{}/html", mailbox.mails()[0].id)).await;
    assert!(answer.body.ends_with("<h1>T\u{fc}r</h1><script>alert(4)</script>"), "{}", answer.body);
    let policy = answer.header(header::CONTENT_SECURITY_POLICY);
    assert!(policy.starts_with("sandbox "), "{policy}");
    assert!(policy.contains("default-src 'none'"), "{policy}");
    for hole in ["allow-scripts", "allow-same-origin", "allow-forms", "script-src", "http"] {
        assert!(!policy.contains(hole), "{policy}");
    }
}

#[tokio::test]
async fn source_and_attachments_are_only_looked_at() {
    let mailbox = start();
    let http = Http::new(&mailbox);
    Sender::hello(&mailbox).await.mail(HOSTILE).await;
    let url = format!("/messages/{}", mailbox.mails()[0].id);
    let raw = http.get(&format!("{url}/raw")).await;
    assert_eq!(raw.header(header::CONTENT_TYPE), "text/plain; charset=utf-8");
    assert_eq!(raw.body, HOSTILE);
    let attachment = http.get(&format!("{url}/attachments/0")).await;
    assert_eq!(attachment.header(header::CONTENT_TYPE), "application/octet-stream");
    let disposition = attachment.header(header::CONTENT_DISPOSITION);
    assert!(disposition.starts_with("attachment; filename*=UTF-8''%3Cscript%3E"), "{disposition}");
    assert_eq!(attachment.body, "<script>alert(5)</script>");
}

#[tokio::test]
async fn what_is_not_there_is_a_page_that_says_so() {
    let mailbox = start();
    let http = Http::new(&mailbox);
    Sender::hello(&mailbox).await.mail("Subject: one\r\n\r\ntext\r\n").await;
    let id = mailbox.mails()[0].id;
    for path in [
        "/nothing".to_owned(),
        "/messages/1".to_owned(),
        format!("/messages/{}", uuid::Uuid::nil()),
        format!("/messages/{id}/html"),
        format!("/messages/{id}/attachments/0"),
        format!("/messages/{id}/attachments/x"),
    ] {
        let page = http.get(&path).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        assert!(page.body.contains("Not here"), "{path}");
    }
}

#[tokio::test]
async fn a_mail_without_anything_has_a_page() {
    let mailbox = start();
    let http = Http::new(&mailbox);
    Sender::hello(&mailbox).await.mail("").await;
    let page = http.get(&format!("/messages/{}", mailbox.mails()[0].id)).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("(no subject)"), "{}", page.body);
}

#[tokio::test]
async fn buttons_delete_and_restore() {
    let mailbox = start();
    let http = Http::new(&mailbox);
    let mut sender = Sender::hello(&mailbox).await;
    for subject in ["one", "two", "three"] {
        sender.mail(format!("Subject: {subject}\r\n\r\n")).await;
    }
    let two = format!("/messages/{}/delete", mailbox.mails()[1].id);
    for (path, status) in [(&two, StatusCode::SEE_OTHER), (&two, StatusCode::NOT_FOUND)] {
        assert_eq!(http.ask(Method::POST, path, &[], "").await.status, status);
    }
    assert_eq!(super::subjects(&mailbox), ["three", "one"]);

    mailbox.set_behaviour(Behaviour { drop_after_data: true, ..Behaviour::default() }).unwrap();
    assert!(http.get("/").await.body.contains("misbehaves"));
    http.ask(Method::POST, "/behave", &[], "").await;
    assert!(!http.get("/").await.body.contains("misbehaves"));

    let answer = http.ask(Method::POST, "/delete-all", &[], "").await;
    assert_eq!(answer.header(header::LOCATION), "/");
    assert!(mailbox.mails().is_empty());
}
