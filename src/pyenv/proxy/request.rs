//! The head of a request, as programs send it to a proxy (RFC 9110, 9112).

use std::io::{self, Read};

use super::addresses::{Address, address};

/// Bytes of a head.
const LONGEST: usize = 64 << 10;
/// Headers that are between a program and the proxy, or say how long the connection is to last.
const OF_THE_HOP: [&str; 4] = ["proxy-authorization", "proxy-connection", "connection", "keep-alive"];

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Request {
    /// Whose connection it is to be.
    pub(super) host: String,
    pub(super) port: u16,
    /// Whether a tunnel is asked for; otherwise this is one request, to be handed on.
    pub(super) is_tunnel: bool,
    /// `GET` and the like.
    method: String,
    /// The whole address, and what the host is asked for.
    target: String,
    path: String,
    headers: Vec<(String, String)>,
    /// What came behind the head.
    pub(super) rest: Vec<u8>,
}

impl Request {
    /// Read one.
    ///
    /// # Errors
    /// When it is none, or none that a proxy is asked.
    pub(super) fn read(from: &mut impl Read) -> io::Result<Self> {
        let mut bytes = Vec::new();
        let mut part = [0; 4096];
        let end = loop {
            if let Some(end) = memchr::memmem::find(&bytes, b"\r\n\r\n") {
                break end;
            }
            let count = from.read(&mut part)?;
            if count == 0 || bytes.len() > LONGEST {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
            }
            bytes.extend_from_slice(&part[..count]);
        };
        let rest = bytes.split_off(end + 4);
        Self::parsed(&String::from_utf8_lossy(&bytes), rest).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    fn parsed(head: &str, rest: Vec<u8>) -> Option<Self> {
        let mut lines = head.trim_end().split("\r\n");
        let mut words = lines.next()?.split(' ');
        let (method, target, version) = (words.next()?, words.next()?, words.next()?);
        if words.next().is_some() || !version.starts_with("HTTP/1.") {
            return None;
        }
        let header = |line: &str| {
            let (name, value) = line.split_once(':')?;
            // Where heads are read differently, more may be asked than was looked at.
            let is_plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic());
            let value = value.trim();
            let has_control = value.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t');
            (is_plain && !has_control).then(|| (name.to_owned(), value.to_owned()))
        };
        let headers = lines.map(header).collect::<Option<Vec<_>>>()?;
        let is_tunnel = method == "CONNECT";
        let (place, path) = if is_tunnel {
            (target, "")
        } else {
            let rest = target.strip_prefix("http://")?;
            rest.find(['/', '?']).map_or((rest, "/"), |at| rest.split_at(at))
        };
        let place = place.rsplit_once('@').map_or(place, |(_, place)| place);
        let Address { host, port } = address(place)?;
        let port = port.or((!is_tunnel).then_some(80))?;
        let path = if path.starts_with('?') { format!("/{path}") } else { path.to_owned() };
        let [method, target] = [method, target].map(str::to_owned);
        Some(Self { host, port, is_tunnel, method, target, path, headers, rest })
    }

    /// A header's value.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let is_it = |(other, _): &&(String, String)| other.eq_ignore_ascii_case(name);
        self.headers.iter().find(is_it).map(|(_, value)| value.as_str())
    }

    /// The head for the host itself, or for another proxy with this authorization. The connection is for this request.
    pub(super) fn head(&self, to_proxy: Option<Option<&str>>) -> String {
        let target = if to_proxy.is_some() { &self.target } else { &self.path };
        let mut head = format!("{} {target} HTTP/1.1\r\n", self.method);
        let is_kept =
            |(name, _): &&(String, String)| !OF_THE_HOP.iter().any(|hop| name.eq_ignore_ascii_case(hop));
        for (name, value) in self.headers.iter().filter(is_kept) {
            head.extend([name, ": ", value, "\r\n"]);
        }
        if let Some(authorization) = to_proxy.flatten() {
            head.extend(["Proxy-Authorization: ", authorization, "\r\n"]);
        }
        head + "Connection: close\r\n\r\n"
    }
}

/// The value of an authorization by name and word (RFC 7617).
pub(super) fn basic(name: &str, word: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let text = format!("{name}:{word}");
    let mut value = "Basic ".to_owned();
    for group in text.as_bytes().chunks(3) {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or_default());
        let all = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let index = usize::try_from(all >> (18 - 6 * at) & 63).unwrap_or_default();
            value.push(if at > group.len() { '=' } else { char::from(LETTERS[index]) });
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Request> {
        Request::read(&mut text.as_bytes()).ok()
    }

    #[test]
    fn a_tunnel_names_a_host_and_a_port() {
        let request = read("CONNECT One.example:443 HTTP/1.1\r\nHost: x\r\n\r\nmore").unwrap();
        assert_eq!((request.host.as_str(), request.port, request.is_tunnel), ("one.example", 443, true));
        assert_eq!((request.header("host"), request.rest.as_slice()), (Some("x"), &b"more"[..]));
        assert_eq!(read("CONNECT [::1]:8443 HTTP/1.1\r\n\r\n").unwrap().host, "[::1]");
    }

    #[test]
    fn a_request_is_handed_on_without_what_is_the_proxys() {
        let head = "GET http://ada:p@one.example:81/a?b HTTP/1.1\r\nHost: one.example:81\r\n\
                    Proxy-Authorization: Basic x\r\nConnection: keep-alive\r\nAccept: */*\r\n\r\n";
        let request = read(head).unwrap();
        assert_eq!((request.host.as_str(), request.port, request.is_tunnel), ("one.example", 81, false));
        let rest = "Host: one.example:81\r\nAccept: */*\r\n";
        assert_eq!(request.head(None), format!("GET /a?b HTTP/1.1\r\n{rest}Connection: close\r\n\r\n"));
        let to_proxy = request.head(Some(Some("Basic y")));
        assert!(to_proxy.starts_with("GET http://ada:p@one.example:81/a?b HTTP/1.1\r\n"));
        assert!(to_proxy.ends_with("Proxy-Authorization: Basic y\r\nConnection: close\r\n\r\n"));
    }

    #[test]
    fn what_is_no_request_to_a_proxy_is_not_answered() {
        for text in [
            "GET /path HTTP/1.1\r\n\r\n",
            "GET https://one.example/ HTTP/1.1\r\n\r\n",
            "CONNECT one.example HTTP/1.1\r\n\r\n",
            "CONNECT one.example:443 HTTP/2\r\n\r\n",
            "CONNECT one.example:443 HTTP/1.1 x\r\n\r\n",
            "CONNECT :443 HTTP/1.1\r\n\r\n",
            "GET http://one.example/ HTTP/1.1\r\nA b: c\r\n\r\n",
            "GET http://one.example/ HTTP/1.1\r\nA: b\nHost: two.example\r\n\r\n",
            "CONNECT one.example:443 HTTP/1.1\r\n",
            "",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn names_and_words_are_written_as_programs_write_them() {
        for (name, word, value) in [
            ("ada", "", "Basic YWRhOg=="),
            ("ada", "a", "Basic YWRhOmE="),
            ("ada", "ab", "Basic YWRhOmFi"),
            ("Aladdin", "open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
        ] {
            assert_eq!(basic(name, word), value);
        }
    }
}
