use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use super::*;

/// A host that answers each connection with what it was told, up to an empty line.
fn echo() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let mut told = Vec::new();
            let mut byte = [0];
            while !told.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) > 0 {
                told.push(byte[0]);
            }
            stream.write_all(&told).unwrap();
        }
    });
    port
}

fn proxy(own: &str, variables: &[(&str, String)]) -> Proxy {
    let variables = variables.iter().map(|(name, value)| (name.into(), value.into())).collect();
    Proxy::new(Admission::new(addresses_in(own).into_iter().collect()), &variables, None).unwrap()
}

/// What a program gets that tells the proxy this, with its word.
fn asked(proxy: &Proxy, text: &str) -> (String, Vec<String>) {
    let (port, service) = proxy.port(false, false).unwrap();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let word = format!("\r\nProxy-Authorization: {}\r\n", proxy.shared.authorization);
    stream.write_all(text.replacen("\r\n", &word, 1).as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    while proxy.shared.open.load(Ordering::Relaxed) > 0 {
        std::thread::yield_now();
    }
    (answer, service.refused())
}

#[test]
fn registries_of_the_user_are_reached_and_nothing_else_of_this_machine() {
    let (registry, service) = (echo(), echo());
    let proxy = proxy(&format!("http://127.0.0.1:{registry}/simple"), &[]);
    let get = |port: u16| asked(&proxy, &format!("GET http://127.0.0.1:{port}/x HTTP/1.1\r\nA: b\r\n\r\n"));
    assert_eq!(get(registry), ("GET /x HTTP/1.1\r\nA: b\r\nConnection: close\r\n\r\n".to_owned(), vec![]));
    let (answer, refused) = get(service);
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    assert_eq!(refused, [format!("127.0.0.1:{service}")]);
    let tunnel =
        |port: u16| asked(&proxy, &format!("CONNECT 127.0.0.1:{port} HTTP/1.1\r\n\r\nhello\r\n\r\n"));
    let (answer, _) = tunnel(registry);
    assert_eq!(answer, "HTTP/1.1 200 Connection established\r\n\r\nhello\r\n\r\n");
    assert!(tunnel(service).0.starts_with("HTTP/1.1 403 "));
    // Also when a version declares it: only the user can.
    proxy.admission().know(&format!("--index-url http://localhost:{service}/"));
    assert!(asked(&proxy, &format!("CONNECT localhost:{service} HTTP/1.1\r\n\r\n")).0.contains(" 403 "));
    assert!(asked(&proxy, "CONNECT other.example:443 HTTP/1.1\r\n\r\n").0.contains(" 403 "));
}

#[test]
fn who_does_not_know_the_word_gets_nothing() {
    let registry = echo();
    let proxy = proxy(&format!("http://127.0.0.1:{registry}/simple"), &[]);
    let (port, _service) = proxy.port(false, false).unwrap();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(stream, "GET http://127.0.0.1:{registry}/x HTTP/1.1\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 407 "), "{answer}");
}

#[test]
fn the_users_proxy_is_gone_through_with_its_key() {
    let upstream = echo();
    let variables = [("https_proxy", format!("http://ada:word@127.0.0.1:{upstream}"))];
    let proxy = proxy("https://one.example/simple", &variables);
    let (answer, _) = asked(&proxy, "CONNECT one.example:443 HTTP/1.1\r\n\r\n");
    let word = request::basic("ada", "word");
    let expected = format!(
        "CONNECT one.example:443 HTTP/1.1\r\nHost: one.example:443\r\nProxy-Authorization: {word}\r\n\r\n"
    );
    assert_eq!(answer, expected);
}

#[test]
fn programs_are_told_of_it_and_of_no_other() {
    let proxy = proxy("", &[]);
    let mut variables: BTreeMap<OsString, OsString> =
        [("no_proxy", "*"), ("HTTPS_PROXY", "http://other:1"), ("A", "b")]
            .map(|(k, v)| (k.into(), v.into()))
            .into();
    proxy.tell(7, &mut variables);
    assert!(!variables.contains_key(OsStr::new("no_proxy")) && variables.contains_key(OsStr::new("A")));
    let all: BTreeSet<&OsString> = VARIABLES.iter().map(|name| &variables[OsStr::new(name)]).collect();
    assert_eq!(all.len(), 1);
    assert!(all.first().unwrap().to_string_lossy().ends_with("@127.0.0.1:7"));
}
