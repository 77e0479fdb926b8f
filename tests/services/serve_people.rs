//! `pybisect serve` for people and programs: pages, the API, who is told, and the check of a configuration.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use serde_json::{Value, json};

use crate::serving::{SECRET, SENDERS, Scene, content, generic, header, now, proof, waits};

#[test]
fn the_page_grows_and_its_buttons_are_for_those_who_are_let_in() {
    let scene = Scene::new("");
    let server = scene.serve();
    let (status, text) = server.ask("GET /", &[], "");
    assert!(status == 401 && text.contains("name=\"token\""), "{text}");
    assert_eq!(server.ask("POST /login", &[], "token=wrong").0, 401);
    let (status, text) = server.ask("POST /login", &[], &format!("token={}", server.token));
    assert_eq!(status, 303, "{text}");
    let set = header(&text, "set-cookie").unwrap();
    assert!(set.contains("HttpOnly; SameSite=Lax"), "{set}");
    let cookie = ("Cookie", set.split(';').next().unwrap().to_owned());
    let (status, text) = server.ask("GET /", std::slice::from_ref(&cookie), "");
    assert!(status == 200 && text.contains("There was none yet"), "{text}");

    assert_eq!(server.send("generic", &generic("a", "firing", now()), SECRET), 202);
    let id = server.wait("begun", waits)["id"].as_str().unwrap().to_owned();
    // Who is asked for the token on the way to it gets there, and nowhere else.
    let (status, text) = server.ask(&format!("GET /incidents/{id}"), &[], "");
    assert!(status == 401 && text.contains(&format!("name=\"to\" value=\"{id}\"")), "{text}");
    for (to, place) in [(id.as_str(), format!("/incidents/{id}")), ("//elsewhere.example", "/".to_owned())] {
        let (status, text) = server.ask("POST /login", &[], &format!("token={}&to={to}", server.token));
        assert_eq!((status, header(&text, "location")), (303, Some(place.as_str())), "{text}");
    }
    let (status, page) = server.ask(&format!("GET /incidents/{id}"), std::slice::from_ref(&cookie), "");
    assert_eq!(status, 200);
    // Otherwise a browser says of its forms that they are from nowhere, and they are refused.
    assert_eq!(header(&page, "referrer-policy"), Some("same-origin"));
    assert!(!page.contains("no-referrer"), "{page}");
    assert!(page.contains("connect-src &#39;self&#39;") && page.contains("value=\"rollback\""), "{page}");
    let csrf = page.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(csrf.len(), 64);
    // It is told that it grows, from there on where the page is.
    let size = page.split("data-size=\"").nth(1).unwrap().split('"').next().unwrap();
    let mut stream = server.connect();
    let events = format!(
        "GET /api/v1/incidents/{id}/events?since={size} HTTP/1.1\r\nHost: x\r\n{}: {}\r\n\r\n",
        cookie.0, cookie.1
    );
    stream.write_all(events.as_bytes()).unwrap();

    let approve = format!("POST /incidents/{id}/approve");
    let form = |csrf: &str| format!("csrf={csrf}&step=rollback");
    assert_eq!(server.ask(&approve, &[], &form(csrf)).0, 401);
    assert_eq!(server.ask(&approve, std::slice::from_ref(&cookie), &form("")).0, 403);
    let elsewhere = ("Origin", "https://elsewhere.example".to_owned());
    assert_eq!(server.ask(&approve, &[cookie.clone(), elsewhere], &form(csrf)).0, 403);
    let api = format!("POST /api/v1/incidents/{id}/approve");
    assert_eq!(
        server.ask(&api, std::slice::from_ref(&cookie), "{\"step\": \"rollback\"}").0,
        401,
        "not by a cookie"
    );
    assert_eq!(server.api(&api, "{\"step\": \"everything\"}").0, 400);
    assert_eq!(scene.deployed(), "");
    assert_eq!(server.ask(&approve, std::slice::from_ref(&cookie), &form(csrf)).0, 303);
    server.wait("done", |one| one["steps"][0]["state"] == "done");
    assert_eq!(scene.deployed(), "v2\n");
    // Who presses a button after somebody else did sees how it stands, and nothing is done twice; programs are told.
    let (status, text) = server.ask(&approve, &[cookie], &form(csrf));
    assert_eq!(
        (status, header(&text, "location")),
        (303, Some(format!("/incidents/{id}").as_str())),
        "{text}"
    );
    assert_eq!(server.api(&api, "{\"step\": \"rollback\"}").0, 409, "it is done");
    assert_eq!(scene.deployed(), "v2\n");

    let mut heard = String::new();
    let mut bytes = [0; 1024];
    while !heard.contains("event: grown") {
        let count = stream.read(&mut bytes).unwrap();
        assert!(count > 0, "{heard}");
        heard.push_str(&String::from_utf8_lossy(&bytes[..count]));
    }
}

#[test]
fn the_description_is_what_is_answered() {
    let scene = Scene::new("");
    let server = scene.serve();
    assert_eq!(server.send("generic", &generic("a", "firing", now()), SECRET), 202);
    let id = server.wait("begun", waits)["id"].as_str().unwrap().to_owned();
    let (_, described) = server.api("GET /api/v1/openapi.json", "");
    let body = generic("b", "firing", now());
    let good = proof("generic", &body, SECRET);
    let mut seen = BTreeSet::new();
    let mut look = |line: &str, path: &str, headers: &[(&str, String)], body: &str| {
        let (status, text) = server.ask(line, headers, body);
        let method = line.split(' ').next().unwrap().to_lowercase();
        let answers = &described["paths"][path][&method]["responses"];
        let answer = &answers[status.to_string()];
        assert!(answer.is_object(), "{line} answers {status}, which {path} does not tell");
        let kind = header(&text, "content-type").unwrap().split(';').next().unwrap().to_owned();
        let schema = &answer["content"][&kind]["schema"];
        assert!(schema.is_object(), "{line} answers {status} as {kind}");
        seen.insert(format!("{method} {path}"));
        if kind == "application/json" {
            let told: Value = serde_json::from_str(content(&text)).unwrap();
            let whole = json!({ "components": described["components"], "allOf": [schema] });
            let mut schemas = boon::Schemas::new();
            let mut compiler = boon::Compiler::new();
            compiler.add_resource("answer.json", whole).unwrap();
            let index = compiler.compile("answer.json", &mut schemas).unwrap();
            schemas.validate(&told, index).unwrap_or_else(|error| panic!("{line}: {error:#}\n{told:#}"));
        }
    };
    let token = [("Authorization", format!("Bearer {}", server.token))];
    look("GET /healthz", "/healthz", &[], "");
    look("GET /metrics", "/metrics", &[], "");
    look("GET /api/v1/openapi.json", "/api/v1/openapi.json", &[], "");
    look("POST /hooks/generic", "/hooks/{source}", &good, &body);
    look("POST /hooks/generic", "/hooks/{source}", &good, &body);
    look("POST /hooks/generic", "/hooks/{source}", &[], &body);
    look("POST /hooks/nagios", "/hooks/{source}", &[], &body);
    for (line, path) in [
        ("GET /api/v1/incidents".to_owned(), "/api/v1/incidents"),
        (format!("GET /api/v1/incidents/{id}"), "/api/v1/incidents/{id}"),
        ("GET /api/v1/incidents/x".to_owned(), "/api/v1/incidents/{id}"),
    ] {
        look(&line, path, &token, "");
        look(&line, path, &[], "");
    }
    look("GET /api/v1/incidents/x/events", "/api/v1/incidents/{id}/events", &token, "");
    for what in ["approve", "retry"] {
        let path = format!("/api/v1/incidents/{{id}}/{what}");
        for (id, step) in [(id.as_str(), "rollback"), (&id, "x"), ("x", "rollback")] {
            let line = format!("POST /api/v1/incidents/{id}/{what}");
            look(&line, &path, &token, &json!({ "step": step }).to_string());
            look(&line, &path, &token, "{}");
        }
    }
    let paths = described["paths"].as_object().unwrap().iter();
    let all: BTreeSet<String> = paths
        .flat_map(|(path, methods)| {
            methods.as_object().unwrap().keys().map(move |method| format!("{method} {path}"))
        })
        .collect();
    assert_eq!(seen, all, "each of them was asked");
}

#[test]
fn a_check_asks_each_door_and_does_nothing() {
    let scene = Scene::new("'rollback'");
    let ran = scene.user.run(scene.repo.path(), &["serve", "--check"]);
    assert_eq!(ran.code, Some(0), "{}\n{}", ran.stdout, ran.stderr);
    for source in SENDERS {
        for told in
            [format!("{source}: a test alarm: answered 202"), format!("{source}: a forged one: answered 403")]
        {
            assert!(ran.stderr.contains(&told), "{told}: {}", ran.stderr);
        }
    }
    assert!(ran.stdout.contains("v2"), "what would be deployed: {}", ran.stdout);
    assert!(!ran.stderr.contains("a message as of"), "{}", ran.stderr);
    assert!(scene.incidents().is_empty() && scene.deployed().is_empty());
    for (from, to, told) in [
        ("auto = ['rollback']", "", "it is not said what may happen without a person"),
        (
            "auto = ['rollback']",
            "auto = []\nlimits = { find = 'soon' }",
            "limits.find: 'soon' is not a duration",
        ),
        (
            "auto = ['rollback']",
            "auto = []\nstages = [{ name = 'few', soak = 'long' }]",
            "stage 'few': health-window: 'long' is not a duration",
        ),
        ("auto = ['rollback']", "auto = []\npush = 'upstream'", "git knows no remote 'upstream' here"),
        (
            "auto = ['rollback']",
            "auto = []\nsla = '15 minutes'",
            "`sla` of respond: '15 minutes' is no budget",
        ),
        ("[serve.hooks.generic]\n", "[serve.hooks.nagios]\n", "no sender is called so"),
        ("[serve.hooks.generic]\n", "[serve.hooks.generic]\nheader = 'a b'\n", "that is no name of a header"),
        ("[serve.hooks.datadog]\n", "[serve.hooks.datadog]\nauth = 'signature'\n", "datadog signs nothing"),
        (
            "[serve.hooks.generic]\n",
            "[serve]\nlisten = 'here'\n[serve.hooks.generic]\n",
            "is no address and port",
        ),
        ("[serve.hooks.generic]\n", "[serve]\nkey = '/x'\n[serve.hooks.generic]\n", "belong together"),
        (
            "[serve.hooks.generic]\n",
            "[[serve.notify]]\nurl-env = 'NOT_SET'\n[serve.hooks.generic]\n",
            "is not set",
        ),
    ] {
        let file = scene.user.home().join(".config/pybisect/config.toml");
        let before = fs::read_to_string(&file).unwrap();
        scene.configure(from, to);
        let ran = scene.user.run(scene.repo.path(), &["serve", "--check"]);
        assert!(ran.code == Some(2) && ran.stderr.contains(told), "{told}: {:?} {}", ran.code, ran.stderr);
        fs::write(file, before).unwrap();
    }
}

#[test]
fn people_are_told_until_they_hear_it() {
    let scene = Scene::new("'rollback'");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (url, told) = (scene.user.home().join("url"), scene.user.home().join("told"));
    fs::write(&url, format!("http://{}/hook?key=secret", listener.local_addr().unwrap())).unwrap();
    let both = format!(
        "[[serve.notify]]\nurl-file = '{}'\nform = 'slack'\n[[serve.notify]]\ncommand = 'echo \"$PYBISECT_TEXT\" >> {}'\n",
        url.display(),
        told.display()
    );
    scene.configure("[serve.hooks.generic]\n", &format!("{both}[serve.hooks.generic]\n"));
    let server = scene.serve();
    // The first time it does not work.
    let heard = std::thread::spawn(move || {
        let mut all = String::new();
        for number in 0.. {
            let (mut stream, _) = listener.accept().unwrap();
            let mut text = String::new();
            let mut bytes = [0; 4096];
            while !text.ends_with('}') {
                let count = stream.read(&mut bytes).unwrap();
                text.push_str(&String::from_utf8_lossy(&bytes[..count]));
            }
            let status = if number == 0 { "500 Internal Server Error" } else { "200 OK" };
            write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
            if number > 0 {
                all.push_str(content(&text));
            }
            if all.contains("over, and not solved") {
                break;
            }
        }
        all
    });
    assert_eq!(server.send("generic", &generic("<!here>", "firing", now()), SECRET), 202);
    let heard = heard.join().unwrap();
    for part in ["short: alarm of generic: &lt;!here&gt;; a response begins", "rollback done: v2"] {
        assert!(heard.contains(part), "{part}: {heard}");
    }
    while !fs::read_to_string(&told).unwrap_or_default().contains("over, and not solved") {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert!(server.said().contains("slack was not told: it answered 500"), "{}", server.said());
    assert!(!server.said().contains("key=secret"), "{}", server.said());
}
