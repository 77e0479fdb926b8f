//! A certificate and its key, from files in PEM.

use std::sync::Arc;

use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};

const KEY_MARK: &str = "PRIVATE KEY-----";
/// Marks of a key that a passphrase locks: of PKCS #8, and of the older form.
const LOCKED_MARKS: [&str; 2] = ["BEGIN ENCRYPTED PRIVATE KEY", "Proc-Type: 4,ENCRYPTED"];

/// Why a certificate and a key cannot be served with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    /// The file of the certificate has none.
    #[error("there is no certificate in it (-----BEGIN CERTIFICATE-----)")]
    NoCertificate,
    /// The file of the certificate has a key, and none.
    #[error("there is a private key in it, and no certificate")]
    KeyAsCertificate,
    /// A certificate cannot be read.
    #[error("a certificate in it cannot be read: {0}")]
    Certificate(String),
    /// The file of the key has none.
    #[error("there is no private key in it (-----BEGIN PRIVATE KEY-----)")]
    NoKey,
    /// A passphrase would be needed.
    #[error("the private key in it is locked with a passphrase")]
    LockedKey,
    /// The key cannot be read.
    #[error("the private key in it cannot be read: {0}")]
    Key(String),
    /// The key is another certificate's.
    #[error("that is not the key of the first certificate")]
    Mismatch,
}

impl TlsError {
    /// Whether the file of the key is at fault, not that of the certificate.
    #[must_use]
    pub const fn is_of_key(&self) -> bool {
        matches!(self, Self::NoKey | Self::LockedKey | Self::Key(_) | Self::Mismatch)
    }
}

/// What a server speaks TLS with.
///
/// # Errors
/// When one of them is not what it should be, or they do not belong together.
pub fn tls_of(certificate: &[u8], key: &[u8]) -> Result<Arc<ServerConfig>, TlsError> {
    let certificates: Vec<CertificateDer<'_>> = CertificateDer::pem_slice_iter(certificate)
        .map(|one| one.map(CertificateDer::into_owned))
        .collect::<Result<_, _>>()
        .map_err(|error| TlsError::Certificate(error.to_string()))?;
    if certificates.is_empty() {
        let has_key = has(certificate, KEY_MARK);
        return Err(if has_key { TlsError::KeyAsCertificate } else { TlsError::NoCertificate });
    }
    if LOCKED_MARKS.iter().any(|mark| has(key, mark)) {
        return Err(TlsError::LockedKey);
    }
    if !has(key, KEY_MARK) {
        return Err(TlsError::NoKey);
    }
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| TlsError::Key(error.to_string()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::Key(error.to_string()))?
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => TlsError::Mismatch,
            rustls::Error::InvalidCertificate(error) => TlsError::Certificate(error.to_string()),
            other => TlsError::Key(other.to_string()),
        })?;
    Ok(Arc::new(config))
}

fn has(text: &[u8], mark: &str) -> bool {
    text.windows(mark.len()).any(|part| part == mark.as_bytes())
}
