//! A certificate authority for one folder, and one server certificate from it.

use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

use crate::{Error, files};

/// The files with the certificates (PEM).
#[derive(Clone, Debug)]
pub struct Certificates {
    /// What clients trust.
    pub ca_file: PathBuf,
    /// The server certificate, for localhost and 127.0.0.1.
    pub certificate_file: PathBuf,
    /// The key of the server certificate.
    pub key_file: PathBuf,
}

impl Certificates {
    /// Makes them once; later calls find them. The key of the authority is kept nowhere, so nobody
    /// can sign another certificate that these clients would trust.
    pub(crate) fn load_or_make(folder: &Path) -> Result<Self, Error> {
        let files = Self {
            ca_file: folder.join("ca.pem"),
            certificate_file: folder.join("server.pem"),
            key_file: folder.join("server.key"),
        };
        // The authority's certificate is written last: if it is there, the others are.
        if !files.ca_file.exists() {
            files::make_folder(folder, false)?;
            files.make()?;
        }
        Ok(files)
    }

    fn make(&self) -> Result<(), Error> {
        let mut authority = CertificateParams::default();
        authority.distinguished_name.push(DnType::CommonName, "task-manager local authority");
        authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let authority_key = KeyPair::generate()?;
        let authority_certificate = authority.self_signed(&authority_key)?;
        let issuer = Issuer::new(authority, authority_key);

        let mut server = CertificateParams::new(["localhost".into(), "127.0.0.1".into()])?;
        server.distinguished_name.push(DnType::CommonName, "localhost");
        server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        server.use_authority_key_identifier_extension = true;
        let server_key = KeyPair::generate()?;
        let server_certificate = server.signed_by(&server_key, &issuer)?;

        files::write_private(&self.key_file, &server_key.serialize_pem())?;
        files::write_private(&self.certificate_file, &server_certificate.pem())?;
        files::write_private(&self.ca_file, &authority_certificate.pem())
    }
}
