//! Whom we believe to be the issuer.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::signer::RSA;
use super::*;

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// Serves the keys over TLS on a thread of its own, as `localhost`. The port.
fn serve(authority: &CertifiedIssuer<'static, KeyPair>) -> u16 {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, authority).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = StreamOwned::new(connection, stream.unwrap());
            // Whoever does not trust us hangs up.
            if stream.read(&mut [0; 4096]).is_ok() {
                let body = jwks(&[&RSA]);
                let _ = write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
                let _ = stream.write_all(body.as_bytes());
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
        }
    });
    port
}

#[tokio::test]
async fn only_the_given_authority_vouches_for_the_issuer() {
    let (ours, other) = (authority(), authority());
    let port = serve(&ours);
    let clock = Clock::stopped();
    let answer = async |host: &str, ca_pem: Option<String>| {
        let settings = Settings {
            jwks_url: format!("https://{host}:{port}/certs"),
            ca_pem: ca_pem.map(String::into_bytes),
            ..settings()
        };
        let verifier = patient(settings, &clock, None);
        ask(&verifier, &good(clock.unix_seconds())).await
    };
    assert_eq!(answer("localhost", Some(ours.pem())).await, Ok(()));
    let unavailable = Err(Refusal::Unavailable);
    assert_eq!(answer("localhost", Some(other.pem())).await, unavailable);
    assert_eq!(answer("localhost", None).await, unavailable, "the web's authorities");
    assert_eq!(answer("127.0.0.1", Some(ours.pem())).await, unavailable, "another name");
}
