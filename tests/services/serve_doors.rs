//! `pybisect serve`: who is let in, who is not, and what is done about it. What is deployed here is a line in a file.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::serving::{
    SECRET, SENDERS, Scene, answer, at_moment, content, end_responses, generic, message, now, proof, state,
    waits,
};

#[test]
fn who_forges_or_replays_starts_nothing_and_each_sender_is_heard_once() {
    let scene = Scene::new("");
    let server = scene.serve();
    let starts = now();
    for source in SENDERS {
        let body = message(source, starts);
        assert_eq!(server.send(source, &body, "another secret of as many"), 403, "{source}");
        assert_eq!(server.ask(&format!("POST /hooks/{source}"), &[], &body).0, 401, "{source}");
        let mut twice = proof(source, &body, SECRET);
        twice.extend(proof(source, &body, SECRET));
        assert_eq!(server.ask(&format!("POST /hooks/{source}"), &twice, &body).0, 400, "{source}");
        if !matches!(source, "alertmanager" | "datadog") {
            let changed = body.replace("short", "shrt ");
            let good = proof(source, &body, SECRET);
            assert_eq!(server.ask(&format!("POST /hooks/{source}"), &good, &changed).0, 403, "{source}");
        }
    }
    let body = generic("x", "firing", starts);
    let old = at_moment(&body, SECRET, starts.as_second() - 400);
    assert_eq!(server.ask("POST /hooks/generic", &old, &body).0, 403);
    let yesterday = message("pagerduty", starts - SignedDuration::from_hours(30));
    assert_eq!(server.send("pagerduty", &yesterday, SECRET), 403);
    assert!(scene.incidents().is_empty(), "{}", server.said());

    // Now as they are. What comes again, word for word or not, is known.
    for source in SENDERS {
        let body = message(source, starts);
        let good = proof(source, &body, SECRET);
        assert_eq!(server.ask(&format!("POST /hooks/{source}"), &good, &body).0, 202, "{source}");
        let (status, text) = server.ask(&format!("POST /hooks/{source}"), &good, &body);
        assert_eq!(status, 200, "{source}");
        let told: Value = serde_json::from_str(content(&text)).unwrap();
        assert!(told["new"] == 0 && told["known"].as_u64() > Some(0), "{source}: {told}");
    }
    // One of the two of Alertmanager's is over already, and nobody knows of it.
    let incident = server.wait("all alarms are there", |one| waits(one) && one["alarms"] == 7);
    assert_eq!(server.incidents().len(), 1, "{incident:#}");
    assert_eq!(incident["source"], "alertmanager", "{incident:#}");
    let (_, whole) = server.api(&format!("GET /api/v1/incidents/{}", incident["id"].as_str().unwrap()), "");
    let of: BTreeSet<&str> =
        whole["alarms"].as_array().unwrap().iter().map(|alarm| alarm["source"].as_str().unwrap()).collect();
    assert_eq!(of, SENDERS.into(), "{whole:#}");
    let title = whole["alarms"][0]["title"].as_str().unwrap();
    assert!(title.ends_with("(alertmanager left out 2 more alarms of ErrorsHigh)"), "{title}");
    assert_eq!(scene.deployed(), "", "nobody gave leave");
    assert!(!server.said().contains(SECRET) && !server.said().contains(&server.token), "{}", server.said());
}

#[test]
fn what_is_over_is_noted_and_another_outage_is_another_incident() {
    let scene = Scene::new("'rollback'");
    let server = scene.serve();
    let first = now();
    assert_eq!(server.send("generic", &generic("a", "firing", first), SECRET), 202);
    let incident =
        server.wait("closed", |one| one["outcome"] == "unresolved" || one["outcome"] == "rolled-back");
    // Nothing tells the version here, so that none is known to be well.
    assert_eq!(scene.deployed(), "v2\n", "{incident:#}");
    // The same again, and that it is over: nothing is done.
    assert_eq!(server.send("generic", &generic("a", "firing", first), SECRET), 200);
    assert_eq!(server.send("generic", &generic("a", "resolved", first), SECRET), 202);
    server.wait("noted", |one| one["alarms"] == 2);
    assert_eq!((server.incidents().len(), scene.deployed().as_str()), (1, "v2\n"));
    let second = now();
    assert_eq!(server.send("generic", &generic("a", "firing", second), SECRET), 202);
    server.wait("another", |one| one["alarms"] == 1 && !one["outcome"].is_null());
    assert_eq!(server.incidents().len(), 2);
    // What is over, and was never known to be wrong.
    assert_eq!(server.send("generic", &generic("b", "resolved", second), SECRET), 202);
    assert_eq!(server.incidents().len(), 2);
}

#[test]
fn only_alarms_about_this_service_count() {
    let scene = Scene::new("");
    scene.configure(
        "[serve.hooks.generic]\n",
        "[serve.hooks.generic]\nonly = { service = 'short', severity = 'critical' }\n",
    );
    let server = scene.serve();
    let body = |labels: Value| {
        json!({ "status": "firing", "key": labels.to_string(), "title": "x", "labels": labels }).to_string()
    };
    for (labels, status) in [
        (json!({}), 200),
        (json!({ "service": "short" }), 200),
        (json!({ "service": "short", "severity": "warning" }), 200),
        (json!({ "service": "short", "severity": "critical", "more": "x" }), 202),
    ] {
        assert_eq!(server.send("generic", &body(labels.clone()), SECRET), status, "{labels}");
    }
    server.wait("begun", waits);
    assert_eq!(server.incidents().len(), 1);
}

#[test]
fn what_is_no_request_gets_its_own_status_and_starts_nothing() {
    let scene = Scene::new("'rollback'");
    let server = scene.serve();
    let large = "x".repeat(600 * 1024);
    let post =
        |path: &str, more: &str, body: &str| format!("POST {path} HTTP/1.1\r\nHost: x\r\n{more}\r\n{body}");
    let long = format!("X-Long: {}\r\n", "x".repeat(20_000));
    let many: String = (0..100).map(|number| format!("X-{number}: x\r\n")).collect();
    let close = "Connection: close\r\n";
    for (what, request, status) in [
        (
            "a body that says how large it is",
            post("/hooks/generic", "Content-Length: 614400\r\n", &large),
            413,
        ),
        (
            "one that does not",
            post(
                "/hooks/generic",
                "Transfer-Encoding: chunked\r\n",
                &format!("96000\r\n{large}\r\n0\r\n\r\n"),
            ),
            413,
        ),
        ("two lengths", post("/hooks/generic", "Content-Length: 3\r\nContent-Length: 4\r\n", "abcd"), 400),
        ("no length", post("/hooks/generic", "Content-Length: x\r\n", ""), 400),
        (
            "packed",
            post("/hooks/generic", &format!("{close}Content-Encoding: gzip\r\nContent-Length: 2\r\n"), "{}"),
            415,
        ),
        ("a long header", post("/hooks/generic", &long, ""), 431),
        ("many headers", post("/hooks/generic", &many, ""), 431),
        ("no HTTP", "hello\r\n\r\n".to_owned(), 400),
        ("an unknown door", post("/hooks/nagios", close, ""), 404),
        ("a way out", post("/hooks/../healthz", close, ""), 404),
        ("a way out, written otherwise", post("/hooks/..%2fgeneric", close, ""), 404),
        ("a door by another method", format!("GET /hooks/generic HTTP/1.1\r\nHost: x\r\n{close}\r\n"), 405),
        (
            "an incident that leads out",
            format!(
                "GET /incidents/..%2f..%2fserver HTTP/1.1\r\nHost: x\r\n{close}Authorization: Bearer {}\r\n\r\n",
                server.token
            ),
            404,
        ),
        (
            "an incident with a line break",
            format!(
                "GET /incidents/1%0d%0aX:%20y HTTP/1.1\r\nHost: x\r\n{close}Authorization: Bearer {}\r\n\r\n",
                server.token
            ),
            404,
        ),
        (
            "no incident",
            format!(
                "GET /api/v1/incidents/1 HTTP/1.1\r\nHost: x\r\n{close}Authorization: Bearer {}\r\n\r\n",
                server.token
            ),
            404,
        ),
        ("the page without a token", format!("GET / HTTP/1.1\r\nHost: x\r\n{close}\r\n"), 401),
        (
            "the list without a token",
            format!("GET /api/v1/incidents HTTP/1.1\r\nHost: x\r\n{close}\r\n"),
            401,
        ),
        (
            "a form without a token",
            post("/incidents/1/approve", &format!("{close}Content-Length: 0\r\n"), ""),
            401,
        ),
    ] {
        let (got, text) = server.raw(request.as_bytes());
        assert_eq!(got, status, "{what}: {text}");
    }
    // Which of two lengths counts, others may see otherwise.
    let both = "Content-Length: 3\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n";
    assert!(server.raw(post("/hooks/generic", both, "0\r\n\r\n").as_bytes()).0 >= 400);
    assert!(scene.incidents().is_empty() && scene.deployed().is_empty(), "{}", server.said());
}

#[test]
fn what_a_message_says_is_neither_run_nor_believed() {
    let scene = Scene::new("'rollback'");
    let server = scene.serve();
    for body in [
        "",
        "{",
        "null",
        "[1]",
        "{\"status\": \"firing\"}",
        "{\"status\": \"$(id)\", \"key\": \"a\", \"title\": \"b\"}",
    ] {
        assert_eq!(server.send("generic", body, SECRET), 400, "{body}");
    }
    // Thirty at once that are refused, and no more; who comes from there with a proof is heard.
    let forged = |_| server.send("generic", "{}", "another secret of as many");
    let statuses: Vec<u16> = (0..40).map(forged).collect();
    assert!(statuses.contains(&429), "{statuses:?}");
    assert!(scene.incidents().is_empty() && scene.deployed().is_empty(), "{}", server.said());
    let hostile = json!({
        "status": "firing", "key": "../../x\u{0}\n", "title": "$(touch x); `id` \u{1b}[31m <script>",
        "labels": { "commit": "v1", "deploy": "rm -rf /" },
    });
    assert_eq!(server.send("generic", &hostile.to_string(), SECRET), 202);
    let incident = server.wait("over", |one| !one["outcome"].is_null());
    assert_eq!(scene.deployed(), "v2\n", "{incident:#}");
    let (status, page) = server.ask(
        &format!("GET /incidents/{}", incident["id"].as_str().unwrap()),
        &[("Authorization", format!("Bearer {}", server.token))],
        "",
    );
    assert!(status == 200 && page.contains("&lt;script&gt;") && !page.contains("\u{1b}"), "{page}");
}

#[test]
fn slow_ones_and_a_burst_keep_nobody_out() {
    let scene = Scene::new("");
    let server = scene.serve();
    // Headers that never end, and a body that does not come.
    let mut slow: Vec<_> = (0..200)
        .map(|number| {
            let mut stream = server.connect();
            let text = if number % 2 == 0 {
                "POST /hooks/generic HTTP/1.1\r\nHost: x\r\nX-Slow: "
            } else {
                "POST /hooks/generic HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"
            };
            stream.write_all(text.as_bytes()).unwrap();
            stream
        })
        .collect();
    assert_eq!(server.ask("GET /healthz", &[], "").0, 200);
    let starts = now();
    let send =
        |number: usize| server.send("generic", &generic(&number.to_string(), "firing", starts), SECRET);
    let sent: Vec<u16> = std::thread::scope(|scope| {
        let part =
            |part: usize| scope.spawn(move || (0..100).map(|n| send(part * 100 + n)).collect::<Vec<_>>());
        let parts: Vec<_> = (0..10).map(part).collect();
        parts.into_iter().flat_map(|one| one.join().unwrap()).collect()
    });
    assert!(sent.iter().all(|status| *status == 202), "{sent:?}");
    for stream in &mut slow {
        let (status, text) = answer(stream);
        assert!(matches!(status, 0 | 408), "{text}");
    }
    let incident = server.wait("all are taken up", |one| {
        let (_, text) = server.ask("GET /metrics", &[], "");
        waits(one) && text.contains("pybisect_alarms_waiting 0\n")
    });
    assert_eq!(server.incidents().len(), 1);
    assert_eq!(incident["alarms"], 50, "the others are counted");
    let (_, text) = server.ask("GET /metrics", &[], "");
    assert!(text.contains("pybisect_alarms_total{source=\"generic\",result=\"new\"} 1000\n"), "{text}");
    assert!(server.most_memory() <= 60_000, "{} kB", server.most_memory());
}

#[test]
fn killed_at_any_point_it_goes_on_and_nothing_is_lost_or_done_twice() {
    let scene = Scene::new("'rollback'");
    let starts = now();
    let points = ["received", "opened", "begun", "\"what\":\"ended\",\"action\":\"deploy\"", "closed"];
    let written = || -> String {
        let files = walkdir::WalkDir::new(state(&scene.user)).into_iter().flatten();
        let files = files.filter(|file| file.path().extension().is_some_and(|kind| kind == "jsonl"));
        files.map(|file| fs::read_to_string(file.path()).unwrap_or_default()).collect()
    };
    for (number, point) in points.into_iter().enumerate() {
        let mut server = scene.serve();
        if number == 0 {
            assert_eq!(server.send("generic", &generic("a", "firing", starts), SECRET), 202);
        }
        while !written().contains(point) {
            std::thread::sleep(Duration::from_millis(2));
        }
        server.kill();
        end_responses(&scene.user);
    }
    let server = scene.serve();
    server.wait("over", |one| !one["outcome"].is_null());
    assert_eq!(server.incidents().len(), 1);
    assert_eq!(server.send("generic", &generic("a", "firing", starts), SECRET), 200, "it is known");
    // Where no version can be asked, a deploy that was cut short is repeated; no other is done.
    let deployed = scene.deployed();
    assert!(
        (1..=4).contains(&deployed.lines().count()) && deployed.lines().all(|line| line == "v2"),
        "{deployed}"
    );
}
