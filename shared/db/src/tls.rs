//! What we trust: TLS always, with a certificate that is checked.

use std::path::Path;
use std::sync::Arc;

use config::ConfigError;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

/// A TLS client that trusts the authority in `ca_file`, or without one the public authorities
/// (Amazon's, which sign the certificate of RDS Proxy, are among them).
pub fn client(ca_file: Option<&Path>) -> Result<MakeRustlsConnect, ConfigError> {
    let wrong = |why: String| ConfigError::new("DATABASE_CA_FILE", why);
    let mut roots = RootCertStore::empty();
    match ca_file {
        Some(path) => {
            let certificates = CertificateDer::pem_file_iter(path)
                .map_err(|e| wrong(format!("cannot be read: {e}")))?;
            for certificate in certificates {
                let certificate = certificate.map_err(|e| wrong(format!("is not in PEM: {e}")))?;
                roots.add(certificate).map_err(|e| wrong(e.to_string()))?;
            }
            if roots.is_empty() {
                return Err(wrong("holds no certificate".to_owned()));
            }
        }
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| wrong(e.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}
