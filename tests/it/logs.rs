//! Logs of real servers, read as a stream.

use std::io::{BufReader, Cursor};
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use pybisect::model::{LogEventKind, LogReport};
use pybisect::report::{LogText, Style};
use pybisect::triage::log::{Clock, LogOptions, LogReader, RepositoryFiles};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tracebacks")
}

fn options() -> LogOptions {
    let now = "2026-11-24T16:00:00Z".parse().unwrap();
    LogOptions {
        clock: Clock { zone: TimeZone::UTC, now },
        since: None,
        new_since: None,
        around: 1,
        grep: None,
        files: RepositoryFiles::default(),
    }
}

fn read_with(options: LogOptions, text: &[u8]) -> LogReport {
    let mut reader = LogReader::new(options);
    reader.read("app.log", &mut Cursor::new(text));
    reader.finish()
}

fn read(text: &str) -> LogReport {
    read_with(options(), text.as_bytes())
}

fn fixture(name: &str) -> String {
    std::fs::read_to_string(folder().join(format!("{name}.txt"))).unwrap()
}

fn shown(report: &LogReport) -> String {
    let mut out = Vec::new();
    LogText { style: Style::new(false), top: 20 }.render(report, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn what_is_said_of_real_logs() {
    for part in ["servers", "structured", "interleaved", "native", "unittest"] {
        let mut files: Vec<PathBuf> =
            std::fs::read_dir(folder().join(part)).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        for file in files {
            let name = format!("{part}/{}", file.file_stem().unwrap().to_str().unwrap());
            insta::with_settings!({
                snapshot_path => folder().join("read"),
                prepend_module_to_snapshot => false,
                omit_expression => true,
            }, {
                insta::assert_snapshot!(format!("logs-{}", name.replace('/', "-")), shown(&read(&fixture(&name))));
            });
        }
    }
}

#[test]
fn no_prefix_hides_anything() {
    let facts = |report: &LogReport| -> Vec<_> {
        let fact = |group: &pybisect::model::LogGroup| {
            let place = group.place().map(|place| (place.frame.path.clone(), place.frame.line));
            (group.title.clone(), group.count, group.line, place, group.meaning.clone())
        };
        report.groups.iter().map(fact).collect()
    };
    let plain = facts(&read(&fixture("servers/shortener")));
    assert_eq!(plain.len(), 1);
    let mut seen = 0;
    for file in std::fs::read_dir(folder().join("prefixed")).unwrap() {
        let path = file.unwrap().path();
        let report = read(&std::fs::read_to_string(&path).unwrap());
        assert_eq!(facts(&report), plain, "{}", path.display());
        let first = report.groups[0].first.as_ref();
        assert!(first.is_some_and(|time| time.text.contains(':')), "{}: {first:?}", path.display());
        seen += 1;
    }
    assert_eq!(seen, 9);
}

#[test]
fn the_shorteners_failure_is_named_from_the_text_alone() {
    let files =
        RepositoryFiles::new(["README.md", "application.py", "tests/test_application.py"].map(str::to_owned));
    let report = read_with(LogOptions { files, ..options() }, fixture("servers/shortener").as_bytes());
    let group = &report.groups[0];
    let place = group.place().unwrap();
    assert_eq!(place.file.as_deref(), Some("application.py"));
    assert_eq!(place.frame.function.as_deref(), Some("your_url"));
    assert!(
        group.meaning.contains("`json.loads`") && group.meaning.contains("500 POST /your-url"),
        "{}",
        group.meaning
    );
    assert_eq!(group.count, 2);
    assert!(group.lead.as_deref().is_some_and(|lead| lead.contains("Exception on /your-url [POST]")));
    let signature = group.signature().unwrap();
    assert_eq!(
        signature.to_string(),
        "TypeError: the JSON object must be str, bytes or bytearray, not TextIOWrapper"
    );
    assert_eq!(signature.frames.iter().rev().nth(1).unwrap().path, "application.py");
}

#[test]
fn locals_of_structured_records_stay_out_of_the_groups() {
    let report = read(&fixture("structured/structlog"));
    let groups = serde_json::to_string(&report.groups).unwrap();
    assert!(groups.contains("no urls") && !groups.contains("s3cret"), "{groups}");
}

const TIMES: &str = "\
2026-11-24 10:00:00 INFO up
2026-11-24 10:00:01 ERROR db: lost connection 17
2026-11-24 11:00:00 INFO deployed
2026-11-24 11:00:05 ERROR db: lost connection 18
2026-11-24 11:00:06 ERROR api: no such column x
";

fn micros(time: &str) -> Option<i64> {
    Some(time.parse::<jiff::Timestamp>().unwrap().as_microsecond())
}

#[test]
fn a_group_that_began_after_the_deployment_is_new_and_comes_first() {
    let new_since = micros("2026-11-24T11:00:00Z");
    let report = read_with(LogOptions { new_since, ..options() }, TIMES.as_bytes());
    let facts: Vec<_> =
        report.groups.iter().map(|group| (group.title.as_str(), group.count, group.new)).collect();
    let expected = [("api: no such column x", 1, Some(true)), ("db: lost connection 17", 2, Some(false))];
    assert_eq!(facts, expected);

    let new_since = micros("2026-11-24T09:00:00Z");
    let report = read_with(LogOptions { new_since, ..options() }, TIMES.as_bytes());
    assert!(report.groups.iter().all(|group| group.new.is_none()));
    assert!(report.notes[0].contains("begins after"), "{:?}", report.notes);
}

#[test]
fn events_before_since_are_left_out() {
    let since = micros("2026-11-24T11:00:00Z");
    let report = read_with(LogOptions { since, ..options() }, TIMES.as_bytes());
    let counts: Vec<_> = report.groups.iter().map(|group| group.count).collect();
    assert_eq!((report.events, counts), (2, vec![1, 1]));
    assert!(report.notes[0].starts_with("1 event"), "{:?}", report.notes);
}

#[test]
fn grep_makes_any_line_an_event() {
    let grep = Some(regex::bytes::Regex::new("deploy(ed|ment)").unwrap());
    let report = read_with(LogOptions { grep, ..options() }, TIMES.as_bytes());
    assert!(report.groups.iter().any(|group| group.kind == LogEventKind::Matched), "{:?}", report.groups);
}

#[test]
fn contexts_that_overlap_are_merged() {
    let report = read(TIMES);
    assert_eq!(report.excerpts.len(), 1);
    let numbers: Vec<u64> = report.excerpts[0].lines.iter().map(|line| line.number).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
}

#[test]
fn the_size_of_what_is_read_at_once_does_not_matter() {
    let text = ["interleaved/honcho", "servers/shortener", "pytest/8.3-long", "servers/django"]
        .map(fixture)
        .concat();
    let mut long = "x".repeat(300_000);
    long.push_str(" error\n");
    let text = format!("{text}{long}{}", fixture("servers/uvicorn"));
    let whole = read(&text);
    for capacity in [1, 7, 4096, 262_144] {
        let mut reader = LogReader::new(options());
        reader.read("app.log", &mut BufReader::with_capacity(capacity, text.as_bytes()));
        let report = reader.finish();
        assert_eq!(report.groups, whole.groups, "{capacity}");
        assert_eq!((report.bytes(), report.lines()), (whole.bytes(), whole.lines()), "{capacity}");
        assert_eq!(report.lines(), u64::try_from(text.lines().count()).unwrap());
    }
}

#[test]
fn broken_input_is_read_as_far_as_it_goes() {
    let empty = read("");
    assert_eq!((empty.events, empty.lines()), (0, 0));
    assert!(shown(&empty).starts_with("no errors found\nscanned 0 lines"), "{}", shown(&empty));

    let binary: Vec<u8> = (0..=255).cycle().take(5_000).collect();
    let report = read_with(options(), &binary);
    assert_eq!(report.events, 0);
    assert!(report.notes[0].contains("not text"), "{:?}", report.notes);

    let mut invalid = b"caf\xe9 \xff\xfe ERROR b\xe4d thing\n".repeat(3);
    invalid.extend(b"INFO fine\n");
    invalid.extend(fixture("native/plain-3.13").as_bytes());
    let report = read_with(options(), &invalid);
    assert_eq!(report.groups.iter().map(|group| group.count).sum::<u64>(), 4);

    let mut long = vec![b'y'; 1 << 20];
    long.extend_from_slice(b" an error at the end\nERROR short\n");
    let mut begins = b"ERROR ".to_vec();
    begins.extend(vec![b'z'; 1 << 20]);
    long.extend(begins);
    let report = read_with(options(), &long);
    assert_eq!((report.events, report.lines()), (2, 3));
    assert!(report.excerpts.iter().flat_map(|excerpt| &excerpt.lines).all(|line| line.text.len() < 500));
}

#[test]
fn more_kinds_of_errors_than_can_be_told_apart_are_counted() {
    let word = |number: u32| -> String {
        (0..8).map(|digit| char::from(b'g' + u8::try_from(number >> (2 * digit) & 3).unwrap())).collect()
    };
    let text: String = (0..5_000).map(|number| format!("ERROR about {}\n", word(number))).collect();
    let report = read(&text);
    assert_eq!((report.groups.len(), report.events), (2_000, 5_000));
    assert!(report.notes[0].contains("3000 events of too many"), "{:?}", report.notes);
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_read(pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..60), noise in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..60)) {
        let mut text = pieces.concat();
        text.extend(noise);
        let mut whole = LogReader::new(options());
        whole.read("a", &mut Cursor::new(&text));
        let mut bytewise = LogReader::new(options());
        bytewise.read("a", &mut BufReader::with_capacity(1, text.as_slice()));
        proptest::prop_assert_eq!(whole.finish(), bytewise.finish());
    }
}

const PIECES: &[&[u8]] = &[
    b"Traceback (most recent call last):\n",
    b"  File \"a.py\", line 3, in f\n",
    b"    f()\n",
    b"ValueError: x\n",
    b"\n",
    b"\r\n",
    b"web-1  | Traceback (most recent call last):\n",
    b"web-1  |   File \"a.py\", line 3, in f\n",
    b"web-1  | ValueError: x\n",
    b"2026-11-24 10:00:01 ERROR db: lost\n",
    b"2026-11-24T10:00:01.000Z INFO fine\n",
    b"1.2.3.4 - - [24/Nov/2026:15:07:38 +0000] \"GET /a/17 HTTP/1.1\" 500 1\n",
    b"{\"level\": \"error\", \"message\": \"m\"}\n",
    b"{\"log\":\"Traceback (most recent call last):\\n\",\"stream\":\"stderr\",\"time\":\"2026-11-24T10:00:01Z\"}\n",
    b"{\"level\": \"error\", \"exc_info\": \"Traceback (most recent call last):\\n  File \\\"a\\\", line 1, in f\\nE: x\"}\n",
    b"==== FAILURES ====\n",
    b"FAIL: test_a (m.C)\n",
    b"Ran 3 tests in 1s\n",
    b"E   ValueError: x\n",
    b"a.py:3: in f\n",
    b"The above exception was the direct cause of the following exception:\n",
    b"Fatal Python error: Aborted\n",
    b"SyntaxError: x\n",
    b"\x1b[31mERROR\x1b[0m red\n",
    b"ERROR \xff\xfe\n",
];
