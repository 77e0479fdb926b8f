//! Where the cluster is, and how it is spoken to.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// A text that is shown nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keep a text to oneself.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// Certificates, as PEM.
#[derive(Debug, Clone, Default)]
pub struct TlsSettings {
    /// Who may sign the server's certificate; `None` for those that the system trusts.
    pub authorities: Option<Vec<u8>>,
    /// The certificate that is shown to the server, and its key.
    pub identity: Option<(Vec<u8>, Secret)>,
}

/// Where the cluster is, and how it is spoken to.
#[derive(Debug, Clone)]
pub struct RemoteSettings {
    /// `grpc://HOST:PORT` or, with TLS, `grpcs://HOST:PORT`.
    pub endpoint: String,
    /// The part of the server that is meant; empty for its only one.
    pub instance: String,
    /// Which workers are meant: `container-image`, `OSFamily`, whatever the cluster knows.
    pub properties: BTreeMap<String, String>,
    /// What is sent with each request, such as `authorization`.
    pub headers: BTreeMap<String, Secret>,
    /// Certificates, where TLS is spoken.
    pub tls: TlsSettings,
    /// Trials at the same time.
    pub jobs: usize,
    /// The longest that a trial may run; part of what results are shared by.
    pub timeout: Duration,
    /// How long a server that does not answer is waited for.
    pub patience: Duration,
    /// Run trials also when the cluster has results of them.
    pub fresh: bool,
}

impl RemoteSettings {
    /// The address, as tonic reads it, and whether TLS is spoken.
    ///
    /// # Errors
    /// When it is none; why, in words.
    pub fn address(&self) -> Result<(String, bool), String> {
        let (scheme, place) = self.endpoint.split_once("://").unwrap_or(("", ""));
        let is_secure = match scheme {
            "grpc" => false,
            "grpcs" => true,
            _ => return Err(format!("'{}' is no address of a cluster", self.endpoint)),
        };
        let place = place.strip_suffix('/').unwrap_or(place);
        let is_place = !place.is_empty() && !place.contains(['/', '@', '?', '#', ' ']);
        if !is_place {
            return Err(format!("'{}' is no address of a cluster", self.endpoint));
        }
        let port = place.rsplit_once(':').map(|(_, port)| port).filter(|port| !port.ends_with(']'));
        let place = match port {
            Some(port) if port.parse::<u16>().is_ok() => place.to_owned(),
            Some(_) => return Err(format!("'{}' has no valid port", self.endpoint)),
            None => format!("{place}:{}", if is_secure { 443 } else { 80 }),
        };
        Ok((format!("{}://{place}", if is_secure { "https" } else { "http" }), is_secure))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(endpoint: &str) -> Result<(String, bool), String> {
        let settings = RemoteSettings {
            endpoint: endpoint.to_owned(),
            instance: String::new(),
            properties: BTreeMap::new(),
            headers: BTreeMap::new(),
            tls: TlsSettings::default(),
            jobs: 1,
            timeout: Duration::from_secs(60),
            patience: Duration::from_secs(60),
            fresh: false,
        };
        settings.address()
    }

    #[test]
    fn addresses_are_read_and_others_are_refused() {
        assert_eq!(address("grpc://localhost:8980").unwrap(), ("http://localhost:8980".to_owned(), false));
        assert_eq!(address("grpcs://cluster/").unwrap(), ("https://cluster:443".to_owned(), true));
        assert_eq!(address("grpc://[::1]:50051").unwrap().0, "http://[::1]:50051");
        for wrong in ["cluster:8980", "http://x:1", "grpc://", "grpc://a:b", "grpc://me@x:1", "grpcs://x:1/y"]
        {
            assert!(address(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_secret_is_not_shown() {
        assert_eq!(format!("{:?}", Secret::new("Bearer abc".to_owned())), "…");
    }
}
