//! The client that the product sends with.

use lettre::message::{Attachment, MultiPart, header::ContentType};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};

use super::tls::Encrypted;
use crate::parsed;

#[tokio::test]
async fn lettre_sends_with_tls_and_a_password() {
    let encrypted = Encrypted::start();
    let certificate = Certificate::from_pem(encrypted.certificate.pem().as_bytes()).unwrap();
    let tls = TlsParameters::builder("localhost".to_owned())
        .add_root_certificate(certificate)
        .build()
        .unwrap();
    let smtp = |password: &str| {
        AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("127.0.0.1")
            .port(encrypted.mailbox.smtp_address().port())
            .tls(Tls::Required(tls.clone()))
            .credentials(Credentials::new("ann".to_owned(), password.to_owned()))
            .build()
    };
    let body = MultiPart::alternative_plain_html(
        "Gr\u{fc}\u{df}e\n.\n".to_owned(),
        "<p>Gr\u{fc}\u{df}e</p>".to_owned(),
    );
    let file = Attachment::new("plan.pdf".to_owned())
        .body(vec![0_u8, 255, 13, 10], ContentType::parse("application/pdf").unwrap());
    let message = Message::builder()
        .from("App <app@example.org>".parse().unwrap())
        .to("Ann <ann@example.org>".parse().unwrap())
        .bcc("blind@example.org".parse().unwrap())
        .subject("T\u{fc}r")
        .multipart(MultiPart::mixed().multipart(body).singlepart(file))
        .unwrap();

    assert!(smtp("wrong").send(message.clone()).await.unwrap_err().is_permanent());
    assert!(encrypted.mailbox.mails().is_empty());
    assert!(smtp("secret").send(message).await.unwrap().is_positive());
    let [mail] = &encrypted.mailbox.mails()[..] else { panic!("one mail was sent") };
    assert_eq!((mail.from.as_str(), mail.subject.as_str()), ("app@example.org", "T\u{fc}r"));
    assert_eq!(mail.to, ["ann@example.org", "blind@example.org"]);
    let parsed = parsed::parse(&mail.raw);
    assert_eq!(parsed.text.as_deref(), Some("Gr\u{fc}\u{df}e\r\n.\r\n"));
    assert_eq!(parsed.html.as_deref(), Some("<p>Gr\u{fc}\u{df}e</p>"));
    assert_eq!(parsed.attachments[0].name, "plan.pdf");
    assert_eq!(parsed.attachments[0].content, [0, 255, 13, 10]);
}
