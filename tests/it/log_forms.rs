//! The same failure in what other machinery makes of a program's lines: each is read as the bare one.

use std::fmt::Write as _;

use crate::support::log::{TRACEBACK, read_groups as read};
use serde_json::json;

/// What the program writes: three records, the second with a traceback, twice.
fn lines() -> Vec<String> {
    let mut lines = Vec::new();
    for second in 0..2 {
        lines.push(format!("2026-11-28 10:00:0{second},000 INFO kiosk sold mint"));
        lines.push(format!("2026-11-28 10:00:0{second},500 ERROR kiosk no page"));
        lines.extend(TRACEBACK.lines().map(str::to_owned));
    }
    lines.push("2026-11-28 10:00:09,000 INFO kiosk sold mint".to_owned());
    lines
}

fn each(form: impl Fn(usize, &str) -> String) -> String {
    lines().iter().enumerate().fold(String::new(), |out, (at, line)| out + &form(at, line))
}

/// Records of a JSON logger.
fn records(form: impl Fn(&str) -> String) -> String {
    let quiet = json!({"level": "INFO", "message": "sold mint", "error": null}).to_string();
    let failed = json!({"level": "ERROR", "message": "no page", "exc_info": TRACEBACK}).to_string();
    [&quiet, &failed, &quiet, &failed].into_iter().map(|record| form(record)).collect()
}

fn docker(text: &str) -> String {
    json!({"log": text, "stream": "stderr", "time": "2026-11-28T10:00:00.000000001Z"}).to_string() + "\n"
}

fn forms() -> Vec<(&'static str, String)> {
    let octal = |mark: &str| {
        let failed = format!("ERROR no page#012{}", TRACEBACK.replace('\n', "#012"));
        format!(
            "{mark}INFO sold mint\n{mark}{failed}\n{mark}INFO sold mint\n{mark}{failed}\n{mark}INFO sold mint\n"
        )
    };
    let padded =
        |record: &str| record.replace("\"level\"", &format!("\"pad\":\"{}\",\"level\"", "x".repeat(20_000)));
    vec![
        (
            "pieces of the container runtime",
            each(|at, line| {
                let mark = "2026-11-28T10:00:00.000000001Z stderr";
                if at % 2 == 1 && line.len() > 40 {
                    format!("{mark} P {}\n{mark} F {}\n", &line[..25], &line[25..])
                } else {
                    format!("{mark} F {line}\n")
                }
            }),
        ),
        (
            "pieces of Docker",
            each(|at, line| {
                if at % 2 == 1 && line.len() > 40 {
                    docker(&line[..25]) + &docker(&format!("{}\n", &line[25..]))
                } else {
                    docker(&format!("{line}\n"))
                }
            }),
        ),
        ("JSON within Docker's", records(|record| docker(&format!("{record}\n")))),
        (
            "JSON that Docker cuts",
            records(|record| {
                let record = padded(record) + "\n";
                docker(&record[..16_384]) + &docker(&record[16_384..])
            }),
        ),
        ("JSON behind a mark", records(|record| format!("web-1  | {record}\n"))),
        ("syslog's octal line ends", octal("Nov 28 10:00:00 host kiosk[7]: ")),
        ("RFC 5424", octal("<11>1 2026-11-28T10:00:00.000Z host kiosk 7 - - ")),
        ("GitLab's jobs", each(|at, line| format!("2026-11-28T10:00:0{}.000000Z 01O {line}\n", at % 10))),
        ("milliseconds and a tab", each(|at, line| format!("17958600{at:05}\t{line}\n"))),
        (
            "the journal's export",
            each(|at, line| {
                format!("__CURSOR=s=1;i={at}\n__REALTIME_TIMESTAMP=1795860000000000\n_PID=7\nPRIORITY=6\nMESSAGE={line}\n\n")
            }),
        ),
        (
            "Azure Functions",
            (0..2).fold(String::new(), |mut out, second| {
                let frames = TRACEBACK.lines().skip(1).take(5).collect::<Vec<_>>().join("\n");
                write!(
                    out,
                    "2026-11-28T10:00:0{second}Z   [Error]   Executed 'Functions.rate' (Failed, Id=1, Duration=3ms)\nSystem.Private.CoreLib: \
                     Exception while executing function: Functions.rate. System.Private.CoreLib: Result: Failure\nException: ValueError: \
                     not a rate: four\nStack: {frames}\n2026-11-28T10:00:0{second}Z   [Information]   Executing 'Functions.rate'\n"
                )
                .unwrap();
                out
            }),
        ),
    ]
}

#[test]
fn whatever_carries_it_the_failure_is_the_same() {
    let mut wrong = String::new();
    let right = ("ValueError".to_owned(), "not a rate: four".to_owned(), 2, 8);
    for (name, text) in forms() {
        let found = read(&text);
        if found != [right.clone()] {
            writeln!(wrong, "{name}: {found:?}").unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn markup_in_a_message_is_its_own() {
    let message = "'<p>``</p>' != '<p><code>&lt;/&gt;</code></p>'";
    let text = TRACEBACK.replace("ValueError: not a rate: four", &format!("AssertionError: {message}"));
    assert_eq!(read(&text), [("AssertionError".to_owned(), message.to_owned(), 1, 8)]);
}

/// The last line of all may be cut.
#[test]
fn a_line_without_its_rest_is_read() {
    let all: Vec<&str> = TRACEBACK.lines().collect();
    let (last, before) = all.split_last().unwrap();
    let text: String = before.iter().map(|line| docker(&format!("{line}\n"))).collect();
    assert_eq!(
        read(&(text + &docker(last))),
        [("ValueError".to_owned(), "not a rate: four".to_owned(), 1, 8)]
    );
}

/// What `kubectl logs --tail` and a page of a CI's log leave of it: the test's heading, without that of the section.
#[test]
fn a_report_of_pytest_whose_beginning_is_cut_off_is_read() {
    let block = |test: &str| {
        format!(
            "____ {test} ____\n\nself = <case>\n\n    def test_a(self):\n        exception = None\n>       assert self.total() == 3\n\n\
             app.py:7:\n_ _ _ _ _ _ _ _ _ _ _ _\n\n    def total(self):\n        # a type error is raised below\n\
             >       return int('x')\nE       ValueError: not a rate: four\n\napp.py:3: ValueError\n"
        )
    };
    for test in ["test_a", "Rates.test_a", "TestRates.test_a[a b]", "ERROR at setup of test_a"] {
        let text = format!(
            "starting\n{}=== short test summary info ===\n1 failed, 2 passed in 0.10s\n",
            block(test)
        );
        assert_eq!(read(text), [("ValueError".to_owned(), "not a rate: four".to_owned(), 1, 3)], "{test}");
    }
}
