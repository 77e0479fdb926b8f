//! Whether a request comes from whom it says: by a signature over the raw body, or by a secret in a header.
//!
//! What is compared is compared in constant time, as codes of the same length: neither a secret's letters nor its length
//! can be guessed by the time that an answer takes.

use axum::http::{HeaderMap, HeaderName};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use ring::hmac;

use super::source::AlarmSource;

/// A signed moment may be this far away.
const WINDOW: SignedDuration = SignedDuration::from_mins(5);
/// Signatures in a header that are looked at.
const MOST_SIGNATURES: usize = 8;

/// Secrets, any of which counts: so that one can be replaced while the other is still in use. They are never shown.
#[derive(Clone)]
pub struct Keys(Vec<Vec<u8>>);

impl Keys {
    /// One on each line; `None` when there is none.
    #[must_use]
    pub fn of_lines(text: &str) -> Option<Self> {
        let keys: Vec<Vec<u8>> =
            text.lines().map(str::trim).filter(|line| !line.is_empty()).map(|line| line.into()).collect();
        (!keys.is_empty()).then_some(Self(keys))
    }

    /// The length of the shortest.
    #[must_use]
    pub fn shortest(&self) -> usize {
        self.0.iter().map(Vec::len).min().unwrap_or_default()
    }

    /// The first, which is used for what is sent.
    #[must_use]
    pub fn first(&self) -> &[u8] {
        self.0.first().map(Vec::as_slice).unwrap_or_default()
    }

    /// One that nobody has.
    pub(super) fn forged() -> Self {
        Self(vec![b"a secret that nobody has".to_vec()])
    }

    /// Whether one of them is this.
    pub(super) fn has(&self, given: &[u8]) -> bool {
        let by = hmac::Key::new(hmac::HMAC_SHA256, b"compared");
        let given = hmac::sign(&by, given);
        // All of them, whichever it is.
        self.0.iter().fold(false, |found, key| found | hmac::verify(&by, key, given.as_ref()).is_ok())
    }

    fn signed(&self, signed: &[u8], code: &[u8]) -> bool {
        self.0.iter().fold(false, |found, key| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, key);
            found | hmac::verify(&key, signed, code).is_ok()
        })
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} secrets", self.0.len())
    }
}

/// How a request shows from whom it is.
#[derive(Debug, Clone)]
pub enum SenderProof {
    /// A secret: as a bearer token, the password of basic authentication, or a header of this name.
    Secret(Option<HeaderName>),
    /// A signature.
    Signature(SignatureForm),
}

/// Where a signature is, and of what.
#[derive(Debug, Clone)]
pub struct SignatureForm {
    /// The signature's header.
    pub header: HeaderName,
    /// What stands before its hexadecimal digits.
    pub prefix: &'static str,
    /// The header of the moment that is signed with the body, and what stands between them.
    pub timestamp: Option<(HeaderName, &'static str)>,
}

impl SenderProof {
    /// The signature as this sender makes it.
    #[must_use]
    pub fn usual(source: AlarmSource) -> Self {
        let signature = |header: &'static str, prefix| {
            Self::Signature(SignatureForm {
                header: HeaderName::from_static(header),
                prefix,
                timestamp: None,
            })
        };
        match source {
            AlarmSource::Alertmanager | AlarmSource::Datadog => Self::Secret(None),
            AlarmSource::Sentry => signature("sentry-hook-signature", ""),
            AlarmSource::Pagerduty => signature("x-pagerduty-signature", "v1="),
            AlarmSource::Grafana => signature("x-grafana-alerting-signature", ""),
            AlarmSource::Github => signature("x-hub-signature-256", "sha256="),
            AlarmSource::Generic => Self::Signature(SignatureForm {
                header: HeaderName::from_static("x-pybisect-signature"),
                prefix: "sha256=",
                timestamp: Some((HeaderName::from_static("x-pybisect-timestamp"), ".")),
            }),
        }
    }

    /// With another header for the secret or the signature, and one for the moment that is signed.
    #[must_use]
    pub fn in_headers(self, header: Option<HeaderName>, timestamp: Option<HeaderName>) -> Self {
        match self {
            Self::Secret(usual) => Self::Secret(header.or(usual)),
            Self::Signature(form) => {
                let between = form.timestamp.as_ref().map_or(":", |(_, between)| between);
                let timestamp = timestamp.map(|name| (name, between)).or(form.timestamp);
                Self::Signature(SignatureForm { header: header.unwrap_or(form.header), timestamp, ..form })
            }
        }
    }

    /// Whether a request is from one who has a secret.
    pub(super) fn check(
        &self,
        keys: &Keys,
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Result<(), Refused> {
        match self {
            Self::Secret(name) => {
                let given = match name {
                    Some(name) => only(headers, name)?.as_bytes().to_vec(),
                    None => credentials(only(headers, &axum::http::header::AUTHORIZATION)?)?,
                };
                if keys.has(&given) { Ok(()) } else { Err(Refused::Wrong("the secret is another")) }
            }
            Self::Signature(form) => form.check(keys, headers, body, now),
        }
    }

    /// The headers that a request with this body would have.
    pub(super) fn headers(&self, keys: &Keys, body: &[u8], now: Timestamp) -> Vec<(HeaderName, String)> {
        let first = String::from_utf8_lossy(keys.first()).into_owned();
        match self {
            Self::Secret(Some(name)) => vec![(name.clone(), first)],
            Self::Secret(None) => vec![(axum::http::header::AUTHORIZATION, format!("Bearer {first}"))],
            Self::Signature(SignatureForm { header, prefix, timestamp }) => {
                let moment = now.as_second().to_string();
                let mut headers = Vec::new();
                let mut signed = Vec::new();
                if let Some((name, between)) = timestamp {
                    signed.extend([moment.as_bytes(), between.as_bytes()].concat());
                    headers.push((name.clone(), moment));
                }
                signed.extend(body);
                let code = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, keys.first()), &signed);
                headers.push((header.clone(), format!("{prefix}{}", hex(code.as_ref()))));
                headers
            }
        }
    }
}

impl SignatureForm {
    fn check(&self, keys: &Keys, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<(), Refused> {
        let given = only(headers, &self.header)?;
        let mut signed = Vec::new();
        if let Some((name, between)) = &self.timestamp {
            let moment = only(headers, name)?;
            let at = moment.parse().ok().and_then(|second| Timestamp::from_second(second).ok());
            let at = at.ok_or(Refused::Malformed("the moment is no number of seconds"))?;
            if now.duration_since(at).abs() > WINDOW {
                return Err(Refused::Wrong("the moment is more than five minutes away"));
            }
            signed.extend([moment.as_bytes(), between.as_bytes()].concat());
        }
        signed.extend(body);
        let codes: Vec<Vec<u8>> = given
            .split(',')
            .take(MOST_SIGNATURES)
            .filter_map(|one| unhex(one.trim().strip_prefix(self.prefix)?))
            .collect();
        if codes.is_empty() {
            return Err(Refused::Malformed("the signature is none"));
        }
        let is_one = codes.iter().fold(false, |found, code| found | keys.signed(&signed, code));
        if is_one { Ok(()) } else { Err(Refused::Wrong("the signature is another")) }
    }
}

/// Why a request is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// It does not say from whom it is.
    Missing,
    /// What it says cannot be read.
    Malformed(&'static str),
    /// It is not from whom it says, or was made long ago.
    Wrong(&'static str),
}

/// The only value of a header: which of two counts, others may see otherwise.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<&'a str, Refused> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().map_err(|_| Refused::Malformed("a header that is no text")),
        (Some(_), Some(_)) => Err(Refused::Malformed("a header that is there twice")),
        (None, _) => Err(Refused::Missing),
    }
}

/// What `Authorization` says: a bearer's token, or the password of basic authentication.
fn credentials(header: &str) -> Result<Vec<u8>, Refused> {
    let malformed = Refused::Malformed("the credentials are none");
    let (scheme, given) = header.split_once(' ').ok_or(malformed)?;
    match scheme.to_ascii_lowercase().as_str() {
        "bearer" => Ok(given.trim().as_bytes().to_vec()),
        "basic" => {
            let decoded = STANDARD.decode(given.trim()).map_err(|_| malformed)?;
            let colon = decoded.iter().position(|byte| *byte == b':').ok_or(malformed)?;
            Ok(decoded[colon + 1..].to_vec())
        }
        _ => Err(malformed),
    }
}

/// Bytes as lower-case digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;

    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Digits as bytes.
fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let digits = digits.filter(|digits| digits.len() == 64)?;
    Some(digits.chunks(2).map(|pair| (pair[0] << 4) | pair[1]).collect())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    const NOW: i64 = 1_796_000_000;

    fn now() -> Timestamp {
        Timestamp::from_second(NOW).unwrap()
    }

    fn keys() -> Keys {
        Keys::of_lines("the-new-secret\nthe-old-secret\n").unwrap()
    }

    fn headers(given: &[(HeaderName, String)]) -> HeaderMap {
        given.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap())).collect()
    }

    #[test]
    fn what_is_signed_is_taken_and_nothing_else() {
        for source in AlarmSource::ALL {
            let proof = SenderProof::usual(source);
            let body = br#"{"a": 1}"#;
            for keys_of_sender in ["the-new-secret", "the-old-secret"] {
                let sender = Keys::of_lines(keys_of_sender).unwrap();
                let good = headers(&proof.headers(&sender, body, now()));
                assert_eq!(proof.check(&keys(), &good, body, now()), Ok(()), "{source:?}");
            }
            let other = Keys::of_lines("another-secret").unwrap();
            let forged = headers(&proof.headers(&other, body, now()));
            assert!(
                matches!(proof.check(&keys(), &forged, body, now()), Err(Refused::Wrong(_))),
                "{source:?}"
            );
            assert_eq!(proof.check(&keys(), &HeaderMap::new(), body, now()), Err(Refused::Missing));
            let good = headers(&proof.headers(&keys(), body, now()));
            let mut twice = good.clone();
            for (name, value) in &good {
                twice.append(name.clone(), value.clone());
            }
            assert!(matches!(proof.check(&keys(), &twice, body, now()), Err(Refused::Malformed(_))));
            if matches!(proof, SenderProof::Signature(_)) {
                let changed = br#"{"a": 2}"#;
                assert!(matches!(proof.check(&keys(), &good, changed, now()), Err(Refused::Wrong(_))));
            }
        }
    }

    #[test]
    fn a_signed_moment_counts_for_five_minutes() {
        let proof = SenderProof::usual(AlarmSource::Generic);
        for (ago, is_taken) in [(0, true), (299, true), (301, false), (-299, true), (-301, false)] {
            let then = Timestamp::from_second(NOW - ago).unwrap();
            let given = headers(&proof.headers(&keys(), b"{}", then));
            assert_eq!(proof.check(&keys(), &given, b"{}", now()).is_ok(), is_taken, "{ago}");
        }
        // The moment is signed too.
        let mut given = headers(&proof.headers(&keys(), b"{}", Timestamp::from_second(NOW - 900).unwrap()));
        given.insert("x-pybisect-timestamp", HeaderValue::from_str(&NOW.to_string()).unwrap());
        assert_eq!(
            proof.check(&keys(), &given, b"{}", now()),
            Err(Refused::Wrong("the signature is another"))
        );
    }

    #[test]
    fn signatures_are_as_the_senders_make_them() {
        // RFC 4231, test case 2.
        let keys = Keys::of_lines("Jefe").unwrap();
        let body = b"what do ya want for nothing?";
        let code = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        for (source, header, value) in [
            (AlarmSource::Sentry, "sentry-hook-signature", code.to_owned()),
            (AlarmSource::Pagerduty, "x-pagerduty-signature", format!("v1={}, v1={code}", "0".repeat(64))),
            (AlarmSource::Grafana, "x-grafana-alerting-signature", code.to_owned()),
            (AlarmSource::Github, "x-hub-signature-256", format!("sha256={code}")),
        ] {
            let given = headers(&[(HeaderName::from_static(header), value)]);
            assert_eq!(SenderProof::usual(source).check(&keys, &given, body, now()), Ok(()), "{source:?}");
        }
        for wrong in ["", "v1=", "v1=zz", "sha256=00", &format!("v2={code}"), &code[..62]] {
            let given = headers(&[(HeaderName::from_static("x-pagerduty-signature"), wrong.to_owned())]);
            let checked = SenderProof::usual(AlarmSource::Pagerduty).check(&keys, &given, body, now());
            assert!(matches!(checked, Err(Refused::Malformed(_))), "{wrong}");
        }
    }

    #[test]
    fn credentials_are_a_token_or_a_password() {
        let proof = SenderProof::usual(AlarmSource::Alertmanager);
        let check = |value: &str| {
            let given = headers(&[(axum::http::header::AUTHORIZATION, value.to_owned())]);
            proof.check(&keys(), &given, b"", now())
        };
        assert_eq!(check("Bearer the-new-secret"), Ok(()));
        assert_eq!(check(&format!("basic {}", STANDARD.encode("ada:the-old-secret"))), Ok(()));
        assert!(matches!(
            check(&format!("Basic {}", STANDARD.encode("the-old-secret:x"))),
            Err(Refused::Wrong(_))
        ));
        for wrong in ["Bearer", "Digest x", "Basic %%%", &format!("Basic {}", STANDARD.encode("nocolon"))] {
            assert!(matches!(check(wrong), Err(Refused::Malformed(_))), "{wrong}");
        }
        let own =
            SenderProof::usual(AlarmSource::Datadog).in_headers(Some(HeaderName::from_static("x-own")), None);
        let given = headers(&[(HeaderName::from_static("x-own"), "the-new-secret".to_owned())]);
        assert_eq!(own.check(&keys(), &given, b"", now()), Ok(()));
        assert!(!format!("{:?}", keys()).contains("secret-"), "never shown");
        assert!(Keys::of_lines(" \n\n").is_none());
    }
}
