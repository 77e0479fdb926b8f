//! Records in lists and over several lines behind marks, pairs, lines that all have one level, lines that were cut: each
//! failure is read as the bare one, and an error that is none of them stays one.

use serde_json::{Value, json};

use crate::support::log::{TRACEBACK, read_groups as read};

fn failed(count: u64) -> (String, String, u64, u32) {
    ("ValueError".to_owned(), "not a rate: four".to_owned(), count, 8)
}

fn error(message: &str) -> (String, String, u64, u32) {
    (String::new(), message.to_owned(), 1, 0)
}

fn sold() -> Value {
    json!({"level": "INFO", "message": "sold", "timestamp": "2026-11-28T10:00:00Z"})
}

fn no_page() -> Value {
    json!({"level": "ERROR", "message": "no page", "exc_info": TRACEBACK, "timestamp": "2026-11-28T10:00:01Z"})
}

/// What a program writes to its error stream: three lines of its own, and a traceback, twice.
fn lines() -> Vec<String> {
    let once = ["sold mint", "sold sage", "no page"].into_iter().chain(TRACEBACK.lines()).map(str::to_owned);
    let mut twice: Vec<String> = once.clone().chain(once).collect();
    twice.push("closing".to_owned());
    twice
}

fn each(form: impl Fn(&str) -> String) -> String {
    lines().iter().map(|line| form(line) + "\n").collect()
}

#[test]
fn lists_of_records_and_of_tracebacks() {
    let list = json!([sold(), no_page(), sold(), no_page()]);
    assert_eq!(read(format!("{list}\n")), [failed(2)]);
    assert_eq!(read(format!("web-1  | {list}\n[1, 2]\n[]\n")), [failed(2)]);
    assert_eq!(read(format!("{}\n", json!([TRACEBACK, TRACEBACK]))), [failed(2)]);
    let batch = json!({"level": "ERROR", "message": "2 pages failed", "tracebacks": [TRACEBACK, TRACEBACK]});
    assert_eq!(read(format!("{batch}\n")), [failed(2)]);
    let one: Vec<&str> = TRACEBACK.lines().collect();
    let jobs = json!({"jobs": [{"id": 1, "exc_info": one}, {"id": 2, "exc_info": one}]});
    assert_eq!(read(format!("{jobs}\n")), [failed(2)]);
}

#[test]
fn records_over_several_lines_behind_marks() {
    let pretty = |record: &Value| serde_json::to_string_pretty(record).unwrap();
    let text =
        [sold(), no_page(), sold(), no_page(), sold()].iter().map(pretty).collect::<Vec<_>>().join("\n");
    let behind = |mark: &str| text.lines().map(|line| format!("{mark}{line}\n")).collect::<String>();
    for mark in [
        "web-1  | ",
        "[pod/kiosk-7d9f8b6c5-x2x9q/app] ",
        "2026-11-28T10:00:01.500000001Z stderr F ",
        "Nov 28 10:00:01 host kiosk[411]: ",
    ] {
        assert_eq!(read(behind(mark)), [failed(2)], "{mark}");
    }
    let docker = |line: &str| {
        json!({"log": format!("{line}\n"), "stream": "stderr", "time": "2026-11-28T10:00:01.5Z"}).to_string()
            + "\n"
    };
    assert_eq!(read(text.lines().map(docker).collect::<String>()), [failed(2)]);
    let two = |line: &str| format!("web-1  | {line}\nweb-2  | {line}\ndb-1  | LOG:  checkpoint\n");
    assert_eq!(read(text.lines().map(two).collect::<String>()), [failed(4)]);
}

#[test]
fn a_level_that_every_line_has_tells_nothing() {
    let cloud = |line: &str| {
        json!({"severity": "ERROR", "textPayload": line, "timestamp": "2026-11-28T10:00:01.5Z"}).to_string()
    };
    assert_eq!(read(each(cloud)), [failed(2)]);
    for mark in [
        "2026-11-28 10:00:01,500 ERROR stderr: ",
        "[ERROR] 2026-11-28T10:00:01.500Z 4c0b ",
        "E1128 10:00:01.500 ERROR ",
    ] {
        assert_eq!(read(each(|line| format!("{mark}{line}"))), [failed(2)], "{mark}");
    }
    // Where others have another level, it is the program's own.
    let of = |level: &str, line: &str| {
        json!({"severity": level, "textPayload": line, "timestamp": "2026-11-28T10:00:01.5Z"}).to_string()
            + "\n"
    };
    let mixed = of("INFO", "sold") + &of("ERROR", "till 7 is lost") + &of("INFO", "sold") + &each(cloud);
    assert!(read(mixed).contains(&error("till 7 is lost")));
    let of = |level: &str, line: &str| format!("2026-11-28 10:00:01,500 {level} kiosk: {line}\n");
    let mixed = of("INFO", "sold")
        + &of("ERROR", "till 7 is lost")
        + &of("INFO", "sold")
        + &each(|line| of("ERROR", line).trim_end().to_owned());
    assert!(read(mixed).contains(&error("kiosk: till 7 is lost")));
}

/// Vector's console, `encoding.codec = "logfmt"`.
#[test]
fn lines_as_pairs() {
    let quoted = |line: &str| format!("\"{}\"", line.replace('\\', "\\\\").replace('"', "\\\""));
    let vector = |line: &str| {
        format!("host=kiosk-1 message={} source_type=file timestamp=2026-11-28T10:00:01.5Z", quoted(line))
    };
    assert_eq!(read(each(vector)), [failed(2)]);
    assert_eq!(read(each(|line| format!("web-1  | {}", vector(line)))), [failed(2)]);
    assert_eq!(read(each(|line| format!("stream=stderr {}", vector(line)))), [failed(2)]);
}

/// circus 0.19.0: it reads 1024 bytes at a time, and each of their lines has the mark; blank lines are left out.
#[test]
fn lines_that_were_cut() {
    let chain = format!(
        "{TRACEBACK}\nThe above exception was the direct cause of the following exception:\nTraceback (most recent call \
         last):\n  File \"/srv/kiosk/kiosk/web.py\", line 11, in show_checked\n    return str(checked_rate(request[\"item\"]))\n  \
         File \"/srv/kiosk/kiosk/ledger.py\", line 20, in checked_rate\n    raise LookupError(f\"no rate for \
         {{item}}\")\nLookupError: no rate for mint"
    );
    let right = [("LookupError".to_owned(), "no rate for mint".to_owned(), 1, 20)];
    for cut in
        ["the direct", "cause of", "/kiosk/web.py\", line 11", "line 20", "(request[", "d_rate(request"]
    {
        let at = chain.rfind(cut).unwrap() + 2;
        let text = format!("INFO asked\nERROR no page\n{}\n{}\nINFO asked", &chain[..at], &chain[at..]);
        let marked: String =
            text.lines().map(|line| format!("2026-11-28 10:00:01 [30349] | {line}\n")).collect();
        assert_eq!(read(marked), right, "{cut}");
    }
}

/// pygls 2: the answer to the client is logged below the failure.
#[test]
fn a_remote_calls_error_has_its_type_in_the_message() {
    let frames: Vec<String> =
        TRACEBACK.lines().filter(|line| line.starts_with(' ')).map(|line| format!("{line}\n")).collect();
    let answer = json!({"id": 1, "jsonrpc": "2.0", "error": {"code": -32603, "message": "ValueError: not a rate: four", "data": {"traceback": frames}}});
    assert_eq!(read(format!("{answer}\n")), [failed(1)]);
    let once = format!("ERROR:rpc:Exception occurred\n{TRACEBACK}\nINFO:rpc:Sending data: {answer}\n");
    assert_eq!(read(once.repeat(2)), [failed(2)]);
}
