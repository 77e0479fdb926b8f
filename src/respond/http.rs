//! Asking a service over HTTP.

use std::io::{ErrorKind, Read as _};
use std::time::Duration;

use ureq::{Agent, Error};

use super::version_source::{VersionSource, one_word};
use super::watch::Answer;

/// Bytes of a body that are read.
const MOST_BYTES: u64 = 1 << 20;

/// Ask an address once, over a new connection: one that is kept alive may lead to a worker that is about to go. A
/// redirect is not followed: it tells nothing of the version.
pub(super) fn ask(url: &str, version: Option<&VersionSource>, limit: Duration) -> Answer {
    let config = Agent::config_builder()
        .timeout_global(Some(limit))
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .max_idle_connections(0)
        .user_agent(concat!("pybisect/", env!("CARGO_PKG_VERSION")));
    // What listens here is not reached by way of another machine.
    let config = if is_here(url) { config.proxy(None) } else { config };
    let agent = Agent::new_with_config(config.build());
    let asked = agent.get(url).header("Connection", "close").header("Cache-Control", "no-cache").call();
    let mut response = match asked {
        Ok(response) => response,
        Err(error) => return Answer::failed(phrase(&error)),
    };
    let status = response.status();
    let mut body = Vec::new();
    let read = response.body_mut().as_reader().take(MOST_BYTES).read_to_end(&mut body);
    let told = version.and_then(|source| match source {
        VersionSource::Header(name) => {
            let header = response.headers().get(name);
            header.and_then(|value| value.to_str().ok()).and_then(one_word)
        }
        _ => source.in_body(&String::from_utf8_lossy(&body)),
    });
    if !status.is_success() {
        let reason = status.canonical_reason().map(|reason| format!(" {reason}")).unwrap_or_default();
        return Answer::Fails { why: format!("{}{reason}", status.as_u16()), version: told };
    }
    if let Err(error) = read {
        return Answer::failed(format!("{}, but its body broke off: {error}", status.as_u16()));
    }
    let Some(source) = version else { return Answer::Answers };
    told.map_or_else(
        || Answer::failed(format!("{}, but {}", status.as_u16(), source.missing())),
        Answer::Tells,
    )
}

/// Whether an address is this machine's own.
fn is_here(url: &str) -> bool {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = host.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit('@').next().unwrap_or_default();
    ["localhost", "127.", "[::1]"].iter().any(|own| host.starts_with(own))
}

/// What went wrong, in a few words that are the same each time.
fn phrase(error: &Error) -> String {
    match error {
        Error::Timeout(_) => "no answer in time".to_owned(),
        Error::HostNotFound => "the host is not known".to_owned(),
        Error::ConnectionFailed => "no connection".to_owned(),
        Error::Tls(_) | Error::Rustls(_) => format!("TLS: {error}"),
        Error::Io(io) => match io.kind() {
            ErrorKind::ConnectionRefused => "connection refused".to_owned(),
            ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => "connection reset".to_owned(),
            ErrorKind::UnexpectedEof => "closed without an answer".to_owned(),
            ErrorKind::TimedOut | ErrorKind::WouldBlock => "no answer in time".to_owned(),
            _ => io.to_string(),
        },
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::net::TcpListener;

    use super::*;

    /// What is made of one answer of a server, and what the server was asked.
    fn asked(answer: &'static str, version: Option<&str>) -> (Answer, String) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/health", listener.local_addr().unwrap());
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            let mut bytes = [0; 1024];
            while !request.ends_with(b"\r\n\r\n") {
                let count = stream.read(&mut bytes).unwrap();
                request.extend_from_slice(&bytes[..count]);
            }
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8(request).unwrap()
        });
        let source = version.map(|text| VersionSource::parse(text).unwrap());
        let answer = ask(&url, source.as_ref(), Duration::from_secs(600));
        (answer, server.join().unwrap())
    }

    #[test]
    fn answers_are_told_apart() {
        let fails = |text: &str| Answer::failed(text);
        let ok = "HTTP/1.1 200 OK\r\nX-Version: 1.4\r\nContent-Length: 14\r\n\r\n{\"v\": \"3f2a9\"}";
        let (answer, request) = asked(ok, None);
        assert_eq!(answer, Answer::Answers);
        assert!(request.starts_with("GET /health HTTP/1.1\r\n"), "{request}");
        assert!(request.to_lowercase().contains("connection: close"), "{request}");
        assert_eq!(asked(ok, Some("X-Version")).0, Answer::Tells("1.4".to_owned()));
        assert_eq!(asked(ok, Some("$.v")).0, Answer::Tells("3f2a9".to_owned()));
        assert_eq!(asked(ok, Some("X-Commit")).0, fails("200, but no header X-Commit"));
        let broken = "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(asked(broken, Some("X-Version")).0, fails("500 Internal Server Error"));
        let telling = "HTTP/1.1 500 Internal Server Error\r\nX-Version: 1.4\r\nContent-Length: 0\r\n\r\n";
        let (answer, _) = asked(telling, Some("X-Version"));
        assert_eq!(
            (answer.version(), answer.phrase().as_str()),
            (Some("1.4"), "500 Internal Server Error from 1.4")
        );
        let elsewhere = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(asked(elsewhere, None).0, fails("302 Found"));
        assert!(matches!(asked("", None).0, Answer::Fails { .. }));
        assert!(matches!(
            asked("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf", None).0,
            Answer::Fails { .. }
        ));
    }

    #[test]
    fn nobody_who_listens_is_named() {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let answer = ask(&format!("http://127.0.0.1:{port}/"), None, Duration::from_secs(600));
        assert_eq!(answer, Answer::failed("connection refused"));
    }
}
