//! Asking the issuer for its keys.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use http::{StatusCode, Uri};
use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper::body::Bytes;
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::{NotKeys, Settings, SettingsError};

/// From the look-up of the name to the last byte.
pub(crate) const TIMEOUT: Duration = Duration::from_millis(1500);
const LARGEST_BODY: usize = 150 * 1024;

/// Why no keys came.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("the issuer did not answer in time")]
    Timeout,
    #[error("the issuer cannot be reached: {0}")]
    Transport(String),
    #[error("the issuer answered {0}")]
    Status(StatusCode),
    #[error("the answer is larger than 150 KiB")]
    TooLarge,
    #[error(transparent)]
    NotKeys(#[from] NotKeys),
}

/// The issuer's address for its keys.
pub(crate) struct Source {
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
    address: Uri,
    patience: Duration,
}

impl Source {
    pub(crate) fn new(settings: &Settings, patience: Duration) -> Result<Self, SettingsError> {
        let address = settings.checked()?;
        let builder = HttpsConnectorBuilder::new().with_tls_config(tls(settings)?);
        let builder =
            if settings.http_allowed { builder.https_or_http() } else { builder.https_only() };
        // One request in ten minutes: a connection kept for the next would be dead by then.
        let client = Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(0)
            .build(builder.enable_http1().build());
        Ok(Self { client, address, patience })
    }

    /// The document at the address. A redirect is a failure like any other status.
    pub(crate) async fn fetch(&self) -> Result<Bytes, FetchError> {
        tokio::time::timeout(self.patience, self.ask()).await.unwrap_or(Err(FetchError::Timeout))
    }

    async fn ask(&self) -> Result<Bytes, FetchError> {
        let answer = self.client.get(self.address.clone()).await;
        let answer = answer.map_err(|e| FetchError::Transport(causes(&e)))?;
        if answer.status() != StatusCode::OK {
            return Err(FetchError::Status(answer.status()));
        }
        match Limited::new(answer.into_body(), LARGEST_BODY).collect().await {
            Ok(body) => Ok(body.to_bytes()),
            Err(e) if e.is::<LengthLimitError>() => Err(FetchError::TooLarge),
            Err(e) => Err(FetchError::Transport(causes(&*e))),
        }
    }
}

fn tls(settings: &Settings) -> Result<ClientConfig, SettingsError> {
    let unusable = |e: &dyn Error| SettingsError::Authorities(causes(e));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| unusable(&e))?;
    let Some(pem) = &settings.ca_pem else {
        return Ok(builder.with_webpki_roots().with_no_client_auth());
    };
    let mut authorities = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|e| unusable(&e))?;
        authorities.add(certificate).map_err(|e| unusable(&e))?;
    }
    if authorities.is_empty() {
        return Err(SettingsError::Authorities(String::from("there is none in the file")));
    }
    Ok(builder.with_root_certificates(authorities).with_no_client_auth())
}

/// An error with what is behind it: "cannot connect" alone helps nobody.
fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut behind = error.source();
    while let Some(error) = behind {
        text.push_str(": ");
        text.push_str(&error.to_string());
        behind = error.source();
    }
    text
}
