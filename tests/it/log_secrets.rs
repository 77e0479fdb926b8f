//! Places in which logs hold secrets: none of them is in any output.

use std::io::Cursor;

use pybisect::report::{LogJson, LogText, Style};
use pybisect::triage::log::{LogReader, masked_code};

use crate::support::log_options;

const TRACEBACK: &str = "Traceback (most recent call last):
  File \"/srv/forge/forge/smithy.py\", line 8, in parse_heat
    raise ValueError(text)
ValueError: not a heat
";

/// Each place: its name, and the log. The secret is `hunter2x9Q`.
fn places() -> Vec<(&'static str, String)> {
    let behind = |text: &str| format!("2026-11-20 10:00:01 ERROR no heat\n{TRACEBACK}{text}\n");
    let error = |text: &str| format!("2026-11-20 10:00:01 ERROR {text}\n");
    let json = |fields: &str| format!("{{\"level\": \"error\", \"message\": \"no heat\", {fields}}}\n");
    let above = |text: &str| format!("{text}\n{TRACEBACK}");
    vec![
        ("a header below a traceback", behind("REQUEST HEADERS:\n  AUTHORIZATION: Bearer hunter2x9Q")),
        ("a cookie above one", above("ERROR in app\nCookie: id=1; session=hunter2x9Q")),
        ("basic auth", error("request with Authorization: Basic hunter2x9Q failed")),
        ("a URL with credentials", error("cannot reach postgresql://forge:hunter2x9Q@db.example/heats")),
        ("a URL's query", "::1 - - [20/Nov/2026:10:00:01 +0000] \"GET /heat?item=1&access_token=hunter2x9Q HTTP/1.1\" 500 2\n".to_owned()),
        ("headers in JSON", json("\"request\": {\"headers\": {\"authorization\": \"Bearer hunter2x9Q\"}}")),
        ("headers in flat JSON", json("\"http.request.header.authorization\": \"Bearer hunter2x9Q\"")),
        ("cookies in JSON", json("\"cookies\": {\"sessionid\": \"hunter2x9Q\"}")),
        ("ASGI's headers", error("scope {'headers': [(b'authorization', b'Token hunter2x9Q')]} failed")),
        ("an environment dump", behind("environ: {'DB_PASSWORD': 'hunter2x9Q', 'HOME': '/root'}")),
        ("an environment file", above("SECRET_KEY=hunter2x9Q")),
        ("a DSN in a message", format!("{}ValueError: bad dsn https://hunter2x9Q@sentry.example/1\n", TRACEBACK.trim_end_matches("ValueError: not a heat\n"))),
        ("an AWS secret", error("botocore: aws_secret_access_key=hunter2x9Q refused")),
        ("a private key", error("cannot parse '-----BEGIN PRIVATE KEY-----\\nhunter2x9Q\\n-----END PRIVATE KEY-----'")),
        ("a JSON Web Token", error("token eyJhbGciOiJI.hunter2x9Q.hunter2x9Q expired")),
        ("a keyword argument in source", TRACEBACK.replace("raise ValueError(text)", "connect(password=\"hunter2x9Q\")")),
        ("values below the code", TRACEBACK.replace("    raise ValueError(text)\n", "    raise ValueError(text)\n                     └ 'hunter2x9Q'\n")),
        ("__traceback_info__", TRACEBACK.replace("    raise ValueError(text)\n", "    raise ValueError(text)\n   - __traceback_info__: ('hunter2x9Q',)\n")),
        ("a block of variables", "File \"/srv/forge/forge/smithy.py\", line 8, in parse_heat\n--> 8   raise ValueError(text)\n    ....................\n     text = 'hunter2x9Q'\n    ....................\n\nValueError: not a heat\n".to_owned()),
        ("locals in JSON", json("\"exception\": [{\"exc_type\": \"ValueError\", \"exc_value\": \"not a heat\", \"frames\": [{\"filename\": \"a.py\", \"lineno\": 3, \"name\": \"f\", \"locals\": {\"text\": \"'hunter2x9Q'\"}}]}]")),
        ("arguments of a record that could not be written", format!("--- Logging error ---\n{TRACEBACK}Call stack:\n  File \"/srv/forge/forge/hub.py\", line 7, in show\n    log.info(\"x %d\", key)\nMessage: 'x %d'\nArguments: ('hunter2x9Q',)\n")),
        ("a form of HTML", "<tr><th>HTTP_AUTHORIZATION</th><td>Basic hunter2x9Q</td></tr> error\n".to_owned()),
        ("a GitHub token", error("push with ghp_hunter2x9Qhunter2x9Qhunter2x9Q failed")),
        ("an escaped record", error("got {\\\"api_key\\\": \\\"hunter2x9Q\\\"}")),
        ("repr of a request", behind("<Request headers={'X-Api-Key': 'hunter2x9Q'}>")),
    ]
}

#[test]
fn no_secret_is_in_any_output() {
    let mut leaks = Vec::new();
    let all = places();
    assert!(all.len() >= 20);
    for (name, text) in all {
        assert!(text.contains("hunter2x9Q"), "{name}");
        let mut reader = LogReader::new(log_options(5));
        reader.read("app.log", &mut Cursor::new(&text));
        let mut report = reader.finish();
        assert!(!report.groups.is_empty(), "{name}: nothing was found");
        report.groups = report.groups.into_iter().map(masked_code).collect();
        let mut out = Vec::new();
        LogJson.render(&report, &mut out).unwrap();
        LogText { style: Style::new(false), top: 20 }.render(&report, &mut out).unwrap();
        let out = String::from_utf8(out).unwrap();
        if let Some(line) = out.lines().find(|line| line.contains("hunter2x9Q")) {
            leaks.push(format!("{name}: {line}"));
        }
    }
    assert!(leaks.is_empty(), "{}", leaks.join("\n"));
}
