//! The user's own proxies, which connections go by where there are some.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::net::IpAddr;

use super::addresses::{Address, address};
use super::request::basic;

/// A proxy that speaks HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Upstream {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) authorization: Option<String>,
}

/// What the user's variables say.
#[derive(Debug, Default)]
pub(super) struct Upstreams {
    for_http: Option<Upstream>,
    for_tunnels: Option<Upstream>,
    /// Hosts that are connected to without one.
    exceptions: Vec<String>,
}

impl Upstreams {
    /// Read them, as curl, pip and uv do. pip's own setting counts where no variable says anything.
    ///
    /// # Errors
    /// When one names a kind of proxy that is not known here.
    pub(super) fn read(variables: &BTreeMap<OsString, OsString>, of_pip: Option<&str>) -> io::Result<Self> {
        let said = |name: &str| {
            let both = [name.to_lowercase(), name.to_uppercase()];
            let mut values = both.iter().filter_map(|name| variables.get(OsStr::new(name)));
            values.find(|value| !value.is_empty()).map(|value| value.to_string_lossy().into_owned())
        };
        let all = said("ALL_PROXY");
        let one = |name: &str| {
            let text = said(name).or_else(|| all.clone()).or_else(|| of_pip.map(str::to_owned));
            text.map(|text| upstream(&text)).transpose()
        };
        let exceptions = said("NO_PROXY").unwrap_or_default().to_lowercase();
        let exceptions = exceptions.split([',', ' ']).filter(|word| !word.is_empty()).map(str::to_owned);
        Ok(Self {
            for_http: one("HTTP_PROXY")?,
            for_tunnels: one("HTTPS_PROXY")?,
            exceptions: exceptions.collect(),
        })
    }

    /// The one for a host; `None` to connect to it at once.
    pub(super) fn of(&self, host: &str, is_tunnel: bool) -> Option<&Upstream> {
        let upstream = if is_tunnel { &self.for_tunnels } else { &self.for_http };
        upstream.as_ref().filter(|_| !self.exceptions.iter().any(|exception| is_in(exception, host)))
    }
}

/// Whether a host is what a word of `NO_PROXY` means: all, a host with those that belong to it, a network.
fn is_in(exception: &str, host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    if let (Some((network, length)), Ok(IpAddr::V4(host))) = (exception.split_once('/'), host.parse()) {
        let network = network.parse::<std::net::Ipv4Addr>().map(u32::from);
        let shift = length.parse().ok().and_then(|length: u32| 32_u32.checked_sub(length));
        return network.ok().zip(shift).is_some_and(|(network, shift)| {
            let top = |number: u32| number.checked_shr(shift).unwrap_or_default();
            top(network) == top(u32::from(host))
        });
    }
    let name = exception.trim_start_matches('*').trim_start_matches('.');
    let name = name.split_once(':').filter(|(_, rest)| !rest.contains(':')).map_or(name, |(name, _)| name);
    exception == "*"
        || !name.is_empty()
            && host.strip_suffix(name).is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

fn upstream(text: &str) -> io::Result<Upstream> {
    let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
    if !scheme.eq_ignore_ascii_case("http") {
        let told = format!("proxies of the kind {scheme}:// are not known");
        return Err(io::Error::new(io::ErrorKind::Unsupported, told));
    }
    let rest = rest.split('/').next().unwrap_or_default();
    let (key, place) = rest.rsplit_once('@').map_or((None, rest), |(key, place)| (Some(key), place));
    let wrong = || io::Error::new(io::ErrorKind::InvalidInput, "the address of the proxy cannot be read");
    let Address { host, port } = address(place).ok_or_else(wrong)?;
    let authorization = key.map(|key| {
        let (name, word) = key.split_once(':').unwrap_or((key, ""));
        basic(&decoded(name), &decoded(word))
    });
    Ok(Upstream { host, port: port.unwrap_or(80), authorization })
}

/// Text in which letters are written as `%2F`.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()).filter(|_| first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> io::Result<Upstreams> {
        Upstreams::read(&pairs.iter().map(|&(name, value)| (name.into(), value.into())).collect(), None)
    }

    #[test]
    fn variables_are_read_as_programs_read_them() {
        let upstreams = read(&[
            ("HTTPS_PROXY", "http://ada:p%40ss@proxy.example:8080/"),
            ("all_proxy", "other.example:3128"),
            ("NO_PROXY", "localhost,.corp.example, 10.0.0.0/8"),
        ])
        .unwrap();
        let of = |host: &str, tunnel| {
            upstreams.of(host, tunnel).map(|proxy| format!("{}:{}", proxy.host, proxy.port))
        };
        assert_eq!(of("one.example", true).as_deref(), Some("proxy.example:8080"));
        assert_eq!(of("one.example", false).as_deref(), Some("other.example:3128"));
        assert_eq!(upstreams.of("x", true).unwrap().authorization, Some(basic("ada", "p@ss")));
        for host in ["localhost", "a.corp.example", "corp.example", "10.1.2.3"] {
            assert_eq!(of(host, true), None, "{host}");
        }
        for host in ["notlocalhost", "acorp.example", "11.0.0.1"] {
            assert!(of(host, true).is_some(), "{host}");
        }
    }

    #[test]
    fn other_kinds_of_proxies_are_told() {
        let error = read(&[("ALL_PROXY", "socks5://127.0.0.1:1080")]).unwrap_err();
        assert_eq!(error.to_string(), "proxies of the kind socks5:// are not known");
        assert!(read(&[]).unwrap().of("one.example", true).is_none());
    }
}
