//! What collectors, terminals and log stores make of a program's lines, and what stands around its tracebacks: each
//! failure is read as the bare one, and nothing else is one.

use std::io::Cursor;

use pybisect::triage::log::LogReader;
use serde_json::json;

use crate::support::log::{TRACEBACK, log_options, read_groups as read};

fn failed(count: u64) -> (String, String, u64, u32) {
    ("ValueError".to_owned(), "not a rate: four".to_owned(), count, 8)
}

/// Three records, of which two fail.
fn records() -> [(&'static str, String); 5] {
    let no_page = || format!("no page\n{TRACEBACK}");
    let sold = || "sold mint".to_owned();
    [("INFO", sold()), ("ERROR", no_page()), ("INFO", sold()), ("ERROR", no_page()), ("INFO", sold())]
}

fn lines() -> Vec<String> {
    let line = |(at, (level, text)): (usize, &(&str, String))| {
        format!("2026-11-28 10:00:0{at},000 {level} kiosk {text}")
            .lines()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    records().iter().enumerate().flat_map(line).collect()
}

fn each(form: impl Fn(usize, &str) -> String) -> String {
    lines().iter().enumerate().map(|(at, line)| form(at, line) + "\n").collect()
}

fn of_records(form: impl Fn(usize, &str, &str) -> serde_json::Value) -> Vec<serde_json::Value> {
    records().iter().enumerate().map(|(at, (level, text))| form(at, level, text)).collect()
}

fn right(name: &str, text: impl AsRef<[u8]>) {
    assert_eq!(read(text), [failed(2)], "{name}");
}

#[test]
fn terminals_and_collectors() {
    right("Buildkite's times", each(|at, line| format!("\u{1b}_bk;t=179586000{at}000\u{7}{line}")));
    right("s6", each(|at, line| format!("@40000000656{:05x}{:08x} {line}", 0xb000 + at, at * 77_777)));
    right(
        "journalctl -o short-delta",
        each(|at, line| format!("[{at:5}.0{:05} ] host kiosk[77]: {line}", at * 321)),
    );
    right(
        "the kernel's buffer",
        each(|at, line| format!("[{:8}.0{:05}] kiosk[77]: {line}", at * 3, at * 321)),
    );
    right("trimmed lines", each(|_, line| line.trim().to_owned()));
    right("trimmed lines behind a mark", each(|_, line| format!("[job 7] {}", line.trim())));
    right(
        "tabs for source",
        each(|_, line| line.strip_prefix("    ").map_or(line.into(), |code| format!("\t{code}"))),
    );
    let utf16 = each(|_, line| format!("{line}\r"));
    let units = format!("\u{feff}{utf16}").encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    right("PowerShell's UTF-16", units);
    right("a mark of UTF-8", format!("\u{feff}{TRACEBACK}\n{TRACEBACK}\n"));
}

#[test]
fn zero_bytes_and_marks_with_arrows() {
    let of_gelf = |at: usize, level: &str, text: &str| {
        let grave = if level == "ERROR" { 3 } else { 6 };
        json!({"version": "1.1", "host": "h", "short_message": "kiosk", "full_message": text, "level": grave, "timestamp": 1_795_860_000 + at})
    };
    let frames: String = of_records(of_gelf).iter().map(|record| format!("{record}\0")).collect();
    right("GELF over TCP", frames);
    let plain = each(|_, line| line.to_owned()).into_bytes();
    right("the hole that a truncation leaves", [vec![0; 70_000], plain].concat());
    right(
        "Fluent Bit's stdout",
        each(|at, line| {
            format!(
                "[{at}] kube.kiosk: [[17958600{:02}.500000000, {{}}], {{\"log\"=>\"{line}\", \"stream\"=>\"stderr\"}}]",
                at % 60
            )
        }),
    );
}

#[test]
fn the_journal() {
    let verbose = each(|at, line| {
        format!(
            "Sat 2026-11-28 10:00:{:02}.000001 UTC [s=abc;i={at};b=def;m=1;t=2;x=3]\n    PRIORITY=3\n    _PID=77\n    MESSAGE={line}\n    \
             _EXE=/usr/bin/python3.11",
            at % 60
        )
    });
    right("journalctl -o verbose", verbose);
    let coloured = each(|at, line| {
        let bytes = format!("\u{1b}[31m{line}").into_bytes();
        json!({"__REALTIME_TIMESTAMP": format!("17958600000000{at:02}"), "_PID": "77", "MESSAGE": bytes})
            .to_string()
    });
    right("colours, which are no text to the journal", coloured);
    let pretty = each(|at, line| {
        let entry =
            json!({"__REALTIME_TIMESTAMP": format!("17958600000000{at:02}"), "_PID": "77", "MESSAGE": line});
        serde_json::to_string_pretty(&entry).unwrap()
    });
    right("journalctl -o json-pretty", pretty);
    let entry = |(at, (level, text)): (usize, &(&str, String))| {
        let mark = format!("Nov 28 10:00:0{at} host kiosk[77]: ");
        let below = format!("\n{}", " ".repeat(mark.len()));
        format!("{mark}{level} kiosk {}\n", text.replace('\n', &below))
    };
    right("entries of several lines", records().iter().enumerate().map(entry).collect::<String>());
}

/// journald 252: what the library of logging sends to it is one entry of several lines.
#[test]
fn entries_of_several_lines_as_fields() {
    let entry = |fields: &str| format!("PRIORITY=3\n_PID=77\n{fields}_COMM=python3\n\n");
    let export = |(at, (_, text)): (usize, &(&str, String))| {
        let head = format!("__CURSOR=s=a;i={at}\n__REALTIME_TIMESTAMP=179586000000000{at}\n").into_bytes();
        let message = match text.contains('\n') {
            true => {
                [&b"MESSAGE\n"[..], &u64::try_from(text.len()).unwrap().to_le_bytes(), text.as_bytes(), b"\n"]
                    .concat()
            }
            false => format!("MESSAGE={text}\n").into_bytes(),
        };
        [head, b"PRIORITY=3\n_PID=77\n".to_vec(), message, b"_COMM=python3\n\n".to_vec()].concat()
    };
    right("journalctl -o export", records().iter().enumerate().map(export).collect::<Vec<_>>().concat());
    let verbose = |(at, (_, text)): (usize, &(&str, String))| {
        let head = format!("Sat 2026-11-28 10:00:0{at}.000001 UTC [s=abc;i={at};b=def;m=1;t=2;x=3]\n");
        let fields = entry(&format!("MESSAGE={}\n", text.replace('\n', "\n        ")));
        head + &fields.trim_end().lines().map(|line| format!("    {line}\n")).collect::<String>()
    };
    right("journalctl -o verbose", records().iter().enumerate().map(verbose).collect::<String>());
}

/// rsyslog 8 and syslog-ng 4 over TCP, fluentd 1.18, Container Apps.
#[test]
fn records_behind_their_lengths_and_in_files_of_collectors() {
    let syslog = |text: &str| format!("<11>1 2026-11-28T10:00:01.123Z host kiosk 77 - - {text}");
    let counted = |text: &str| format!("{} {}", syslog(text).len(), syslog(text));
    right("RFC 6587, a line each", lines().iter().map(|line| counted(line)).collect::<String>());
    right("RFC 6587, a record each", records().iter().map(|(_, text)| counted(text)).collect::<String>());
    right(
        "fluentd's files",
        each(|at, line| {
            format!("2026-11-28T10:00:{:02}+00:00\tkiosk.web\t{}", at % 60, json!({"log": line}))
        }),
    );
    right(
        "Azure Container Apps",
        each(|at, line| {
            json!({"TimeStamp": format!("2026-11-28T10:00:{:02}Z", at % 60), "Log": line}).to_string()
        }),
    );
}

#[test]
fn a_record_may_be_long() {
    for (long, behind) in [(70_000, false), (70_000, true), (300_000, false)] {
        let record = |_: usize, level: &str, text: &str| {
            let (message, exc_info) = text.split_once('\n').unwrap_or((text, ""));
            let context = "x ".repeat(long / 2);
            let (first, last) = if behind { ("exc_info", "state") } else { ("state", "exc_info") };
            let mut record = json!({"level": level, "message": message});
            record["a"] = json!({first: if behind { exc_info } else { &context }});
            record["b"] = json!({last: if behind { &context } else { exc_info }});
            record
        };
        let text: String = of_records(record).iter().map(|record| format!("{record}\n")).collect();
        right(&format!("{long}, {behind}"), text);
    }
}

/// PyO3 0.27, with `RUST_BACKTRACE=1`.
#[test]
fn a_panic_tells_of_the_exception_below_it() {
    let panic = "\nthread '<unnamed>' (4711) panicked at src/lib.rs:14:9:\nnot a rate: four\nstack backtrace:\n   0: \
                 __rustc::rust_begin_unwind\n             at /rustc/5980/library/std/src/panicking.rs:689:5\n   1: \
                 core::panicking::panic_fmt\n             at /rustc/5980/library/core/src/panicking.rs:80:14\n   2: \
                 kiosk_native::rate\nnote: Some details are omitted, run with `RUST_BACKTRACE=full` for a verbose backtrace.\n";
    right("a panic", format!("{panic}{TRACEBACK}\n{panic}{TRACEBACK}\n"));
}

/// Apache Beam 2.77 logs an error, and raises it again with where it ran.
#[test]
fn what_the_next_traceback_was_raised_from_is_the_same_failure() {
    let again = TRACEBACK.replace("not a rate: four", "not a rate: four [while running 'Map(show)']");
    let link = "\nDuring handling of the above exception, another exception occurred:\n\n";
    let told = format!("ERROR:beam.common:not a rate: four\n{TRACEBACK}\n{TRACEBACK}\n{link}{again}\n");
    let whole = ("ValueError".to_owned(), "not a rate: four [while running 'Map(show)']".to_owned(), 2, 8);
    assert_eq!(read(format!("{told}{told}")), [whole]);
    // Alone it is one of its own.
    let found = read(format!("{told}INFO:sold\nERROR:beam.common:x\n{TRACEBACK}\n"));
    assert_eq!(found.len(), 2, "{found:?}");
}

/// IPython 9.18 with `%xmode Minimal`.
#[test]
fn a_line_that_is_an_exceptions_own_names_its_type() {
    let found =
        read("start\nValueError: not a rate: four\n\nended\nstart\nValueError: not a rate: four\n\nended\n");
    assert_eq!(found, [("ValueError".to_owned(), "not a rate: four".to_owned(), 2, 0)]);
    let found = read("upload: error: 3 files\n");
    assert_eq!(found, [(String::new(), "upload: error: 3 files".to_owned(), 1, 0)]);
}

#[test]
fn log_stores() {
    let one_event = |(at, (level, text)): (usize, &(&str, String))| {
        format!("2026-11-28T10:00:0{at}.000000+00:00 kiosk/web/{} {level} kiosk {text}\n", "0f".repeat(16))
    };
    right("aws logs tail", records().iter().enumerate().map(one_event).collect::<String>());
    right(
        "Loki",
        each(|at, line| {
            json!({"labels": {"app": "kiosk"}, "line": line, "timestamp": format!("2026-11-28T10:00:{:02}Z", at % 60)}).to_string()
        }),
    );
    let events: Vec<_> =
        lines().iter().map(|line| json!({"timestamp": 1_795_860_000_000_u64, "message": line})).collect();
    let events = json!({"events": events, "searchedLogStreams": []});
    right("aws logs filter-log-events", serde_json::to_string_pretty(&events).unwrap() + "\n");
    let entries = of_records(
        |at, level, text| json!({"severity": level, "timestamp": format!("2026-11-28T10:00:0{at}Z"), "jsonPayload": {"message": text}}),
    );
    right("gcloud logging read --format json", serde_json::to_string_pretty(&entries).unwrap() + "\n");
    let values: Vec<_> = lines()
        .iter()
        .enumerate()
        .map(|(at, line)| json!([format!("17958600000000000{at:02}"), line]))
        .collect();
    let streams = json!([{"stream": {"app": "kiosk"}, "values": values}]);
    let answer = json!({"status": "success", "data": {"resultType": "streams", "result": streams}});
    right("Loki's own answer", answer.to_string() + "\n");
    let hits = of_records(
        |at, level, text| json!({"_id": at.to_string(), "_source": {"@timestamp": format!("2026-11-28T10:00:0{at}Z"), "log.level": level, "message": text}}),
    );
    right(
        "Elasticsearch",
        json!({"took": 3, "hits": {"total": {"value": 5}, "hits": hits}}).to_string() + "\n",
    );
    let csv = |(at, (level, text)): (usize, &(&str, String))| {
        format!("\"2026-11-28T10:00:0{at}\",\"{level}\",\"{}\",\"kiosk\"\n", text.replace('"', "\"\""))
    };
    let header = "\"time\",\"level\",\"message\",\"service\"\n".to_owned();
    right("CSV", records().iter().enumerate().map(csv).fold(header, |all, line| all + &line));
}

#[test]
fn json_sequences_and_twisteds_failures() {
    let failure = json!({
        "log_failure": {"type": {"__module__": "builtins", "__name__": "ValueError"}, "frames": [["show_rate", "/srv/kiosk/kiosk/web.py", 7, [], []], ["parse_rate", "/srv/kiosk/kiosk/ledger.py", 8, [["text", "'four'"]], []]]},
        "log_level": {"name": "critical"}, "log_format": "while handling timed call", "log_time": 1_795_860_000.5,
    });
    let text = format!("\u{1e}{failure}\n\u{1e}{failure}\n");
    assert_eq!(read(text), [("ValueError".to_owned(), String::new(), 2, 8)]);
}

#[test]
fn source_and_remarks_are_no_events() {
    let warned = "/srv/kiosk/kiosk/web.py:3: UserWarning: the error callback is ignored\n  warnings.warn(\"the error callback is ignored\")\n";
    assert_eq!(read(warned), []);
    let stack = format!(
        "2026-11-28 10:00:00,000 ERROR no page\n{TRACEBACK}\nStack (most recent call last):\n  File \"/srv/kiosk/kiosk/web.py\", line 3, in \
         serve\n    except ValueError: log.exception(\"no page\", stack_info=True)\n2026-11-28 10:00:01,000 INFO sold\n"
    );
    assert_eq!(read(stack), [failed(1)]);
    let paragraphs = format!(
        "2026-11-28 10:00:00,000 ERROR no page\n{TRACEBACK}\n\nResolved plan until failure:\n\nThis error occurred with the following \
         context stack:\n\t[1] 'select'\n\n2026-11-28 10:00:01,000 INFO sold\nan error of its own\n"
    );
    let own = (String::new(), "an error of its own".to_owned(), 1, 0);
    assert_eq!(read(paragraphs), [failed(1), own]);
    // ` [sentry] DEBUG: …` is a record, however it begins.
    let debug = format!(
        "{TRACEBACK}\n [sentry] DEBUG: atexit: shutting down client\n [sentry] DEBUG: Flushing HTTP transport\n"
    );
    assert_eq!(read(debug), [failed(1)]);
}

/// A thread's output between two of the traceback's lines, and a log that begins in one.
#[test]
fn tracebacks_in_pieces() {
    let (header, rest) = TRACEBACK.split_once('\n').unwrap();
    let sold: String = (0..40).map(|n| format!("sold {n}\n")).collect();
    assert_eq!(read(format!("{header}\n{sold}{rest}\n{sold}Total: 40\n")), [failed(1)]);
    let (frames, last) = rest.rsplit_once('\n').unwrap();
    assert_eq!(read(format!("{header}\n{frames}\nsold 1\nTotal: 40\n{last}\n")), [failed(1)]);
    for cut in [1, 2, 3] {
        let tail: Vec<&str> = TRACEBACK.lines().skip(cut).collect();
        assert_eq!(
            read(format!("{}\n2026-11-28 10:00:01,000 INFO sold\n", tail.join("\n"))),
            [failed(1)],
            "{cut}"
        );
    }
    let hangs = "up\nTimeout (0:00:30)!\nThread 0x00007f01 (most recent call first):\n  File \"/srv/kiosk/kiosk/ledger.py\", line 8 in \
                 parse_rate\n  File \"/srv/kiosk/kiosk/web.py\", line 7 in show_rate\n";
    assert_eq!(read(hangs), [("Timeout".to_owned(), String::new(), 1, 8)]);
}

/// Twisted announces a failure in one record and tells it in the next.
#[test]
fn a_record_that_ends_open_introduces_the_next() {
    let inner = TRACEBACK.replace('\n', "\n\t").replace("ValueError: ", "builtins.ValueError: ");
    let record = format!(
        "2026-11-28 10:00:00+0000 [-] Unhandled error in Deferred:\n2026-11-28 10:00:00+0000 [-] Unhandled Error\n\t{inner}\n\t\n"
    );
    assert_eq!(read(record.repeat(2)), [failed(2)]);
    // One that nothing follows is an event.
    let alone = "2026-11-28 10:00:00,000 ERROR cannot sell:\n2026-11-28 10:00:01,000 INFO sold\n2026-11-28 10:00:01,000 INFO sold\n";
    assert_eq!(read(alone), [(String::new(), "cannot sell:".to_owned(), 1, 0)]);
}

/// The members of a group within a group are what failed.
#[test]
fn nested_groups_name_what_failed() {
    let text = "  + Exception Group Traceback (most recent call last):\n  |   File \"/srv/kiosk/kiosk/web.py\", line 7, in main\n  | ExceptionGroup: jobs \
                (2 sub-exceptions)\n  +-+---------------- 1 ----------------\n    | ValueError: a\n    +---------------- 2 ----------------\n    | Exception \
                Group Traceback (most recent call last):\n    |   File \"/srv/kiosk/kiosk/web.py\", line 9, in inner\n    | ExceptionGroup: more (1 \
                sub-exception)\n    +-+---------------- 1 ----------------\n      | KeyError: 'b'\n      +------------------------------------\n";
    let mut reader = LogReader::new(log_options(2));
    reader.read("app.log", &mut Cursor::new(text));
    let groups = reader.finish().groups;
    assert_eq!(groups.len(), 1);
    assert_eq!(groups[0].related, ["with ValueError: a", "with KeyError: 'b'"]);
}
