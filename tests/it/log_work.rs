//! How much work a log is, counted: twice the log is twice the work, and memory stays bounded.

use std::fmt::Write as _;
use std::io::Cursor;
use std::path::Path;

use pybisect::model::LogReport;
use pybisect::triage::log::LogReader;

use crate::support::log_options;

fn work(text: &[u8]) -> (u64, LogReport) {
    let mut reader = LogReader::new(log_options(2));
    reader.read("app.log", &mut Cursor::new(text));
    let looked = reader.lines_looked_at();
    (looked, reader.finish())
}

/// Logs of real programs.
fn real() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/logs/programs");
    let mut all: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
        .map(|path| (path.display().to_string(), std::fs::read(&path).unwrap()))
        .collect();
    all.sort();
    all
}

#[test]
fn twice_the_log_is_twice_the_work() {
    for (name, mut text) in real() {
        text.push(b'\n');
        let [first, second, third] = [4, 8, 16].map(|times| work(&text.repeat(times)).0);
        // What the first copies teach is left out.
        let (once, twice) = (second - first, third - second);
        assert!(twice <= 2 * once + 20, "{name}: {once} lines looked at, then {twice}");
    }
}

/// Texts that make a reader look again and again at what it has seen: nothing ends, everything nests.
#[test]
fn no_text_is_more_work_than_its_lines() {
    let header = "Traceback (most recent call last):\n";
    let frame = "  File \"/srv/kiosk/a.py\", line 3, in f\n    f()\n";
    let chain = "\nDuring handling of the above exception, another exception occurred:\n\n";
    let pieces: Vec<(&str, String)> = vec![
        ("headers", header.to_owned()),
        ("frames without end", frame.to_owned()),
        ("chains without end", format!("{header}{frame}E: x\n{chain}")),
        ("quotes that never close", format!("x._RemoteTraceback: \n\"\"\"\n{header}")),
        ("groups", "  + Exception Group Traceback (most recent call last):\n".to_owned()),
        ("boxes", "╭───── Traceback (most recent call last) ─────╮\n│ a.py:3 in f │\n".to_owned()),
        ("failures of a runner", "==== FAILURES ====\n____ test_a ____\nE   x\n".to_owned()),
        ("leads", "ERROR in app: x\n".to_owned()),
        ("streams", format!("[pod/a-1/b] {header}[pod/a-2/b] {header}")),
        (
            "JSON",
            "{\"level\": \"error\", \"a\": {\"b\": {\"c\": \"Traceback (most recent call last):\\n\"}}}\n"
                .to_owned(),
        ),
        (
            "escaped",
            "x = 'Traceback (most recent call last):\\\\n  File \\\"a.py\\\", line 3, in f\\\\nE: x'\n"
                .to_owned(),
        ),
        (
            "carriage returns",
            "Traceback (most recent call last):\r  File \"a.py\", line 3, in f\r\n".to_owned(),
        ),
        ("types alone", "ValueError\n".to_owned()),
    ];
    for (name, piece) in pieces {
        let of = |times: usize| work(piece.repeat(times).as_bytes());
        let ((once, _), (twice, report)) = (of(2_000), of(4_000));
        let lines = report.lines();
        assert!(twice <= 2 * once + 20, "{name}: {once} lines looked at, then {twice}");
        // A line is looked at once as one of its traceback, and once more when it is none.
        assert!(twice <= 2 * lines + 20, "{name}: {twice} looks at {lines} lines");
        let held = serde_json::to_string(&report.groups).unwrap().len();
        assert!(held < 2 << 20, "{name}: {held} bytes of groups");
    }
}

#[test]
fn of_too_many_kinds_a_bounded_number_is_kept_and_the_rest_is_told() {
    let word = |number: u32| -> String {
        (0..8).map(|digit| char::from(b'g' + u8::try_from(number >> (2 * digit) & 3).unwrap())).collect()
    };
    let mut text = String::new();
    for number in 0..6_000 {
        let name = word(number);
        write!(text, "Traceback (most recent call last):\n  File \"/srv/kiosk/{name}.py\", line 3, in {name}\n    f()\n").unwrap();
        writeln!(text, "ValueError: no {name} {}", "long ".repeat(400)).unwrap();
    }
    let (_, report) = work(text.as_bytes());
    assert_eq!((report.groups.len(), report.events), (2_000, 6_000));
    assert!(report.notes.iter().any(|note| note.contains("4000 events of too many")), "{:?}", report.notes);
    let held = serde_json::to_string(&report.excerpts).unwrap().len();
    assert!(held < 4 << 20, "{held} bytes of excerpts");
}

/// What was read before is stepped over, and counted as if it had been read.
#[test]
fn repeated_failures_count_each() {
    let mut text = String::new();
    for number in 0..300 {
        let (error, line) = match number % 3 {
            0 => (format!("KeyError: 'mint-{number}'"), 8),
            1 => (format!("ValueError: not a rate: {}", "four".repeat(1 + number % 7)), 12),
            _ => ("ValueError: not a rate:\nfour\n  or five".to_owned(), 12),
        };
        let (second, minute) = (number % 60, number / 60);
        write!(
            text,
            "2026-11-28 10:{minute:02}:{second:02},000 ERROR kiosk no page\nTraceback (most recent call last):\n  File \
             \"/srv/kiosk/kiosk/ledger.py\", line {line}, in rate\n    return float(text)\n{error}\n2026-11-28 \
             10:{minute:02}:{second:02},500 INFO kiosk sold {number}\n"
        )
        .unwrap();
    }
    let (looked, report) = work(text.as_bytes());
    let mut counts: Vec<(u64, String)> =
        report.groups.iter().map(|group| (group.count, group.exception.clone().unwrap())).collect();
    counts.sort();
    let of = |count: u64, name: &str| (count, name.to_owned());
    // Seven different words, of which some numbers are alike.
    let keys = counts.iter().filter(|(_, name)| name == "KeyError").map(|(count, _)| count).sum::<u64>();
    assert_eq!((keys, report.events), (100, 300), "{counts:?}");
    assert!(counts.contains(&of(100, "KeyError")), "{counts:?}");
    let last =
        report.groups.iter().filter_map(|group| group.last.as_ref()).map(|time| time.text.as_str()).max();
    assert_eq!(last, Some("2026-11-28 10:04:59,000"));
    assert!(looked <= 300 * 7 + 50, "{looked} lines looked at");
}
