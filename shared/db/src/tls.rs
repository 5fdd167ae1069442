//! What we trust: TLS always, with a certificate that is checked.

use std::path::Path;
use std::sync::Arc;

use config::ConfigError;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject};
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

/// A TLS client that trusts the authority in `ca_file` and no other; without one the public
/// authorities (Amazon's, which sign the certificate of RDS Proxy, are among them) and those in
/// `more`, in PEM.
pub fn client(ca_file: Option<&Path>, more: &[u8]) -> Result<MakeRustlsConnect, ConfigError> {
    let wrong = |why: String| ConfigError::new("DATABASE_CA_FILE", why);
    let mut roots = RootCertStore::empty();
    let add = |certificate: Result<CertificateDer<'static>, pem::Error>,
               roots: &mut RootCertStore| {
        let certificate = certificate.map_err(|e| wrong(format!("is not in PEM: {e}")))?;
        roots.add(certificate).map_err(|e| wrong(e.to_string()))
    };
    if let Some(path) = ca_file {
        let certificates = CertificateDer::pem_file_iter(path)
            .map_err(|e| wrong(format!("cannot be read: {e}")))?;
        for certificate in certificates {
            add(certificate, &mut roots)?;
        }
        if roots.is_empty() {
            return Err(wrong("holds no certificate".to_owned()));
        }
    } else {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        for certificate in CertificateDer::pem_slice_iter(more) {
            add(certificate, &mut roots)?;
        }
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| wrong(e.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}
