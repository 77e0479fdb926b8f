//! Any bytes as a log: no panic, work in proportion, and the same whatever pieces they come in.
#![no_main]

use std::io::{BufReader, Cursor};

use jiff::tz::TimeZone;
use libfuzzer_sys::fuzz_target;
use pybisect::model::LogReport;
use pybisect::triage::log::{Clock, LogOptions, LogReader, RepositoryFiles};

fn options() -> LogOptions {
    let now = jiff::Timestamp::from_second(1_795_000_000).expect("a time of these years");
    LogOptions {
        clock: Clock { zone: TimeZone::UTC, now },
        since: None,
        new_since: None,
        around: 2,
        grep: None,
        files: RepositoryFiles::new(["kiosk/ledger.py".to_owned(), "kiosk/web.py".to_owned()]),
    }
}

fn read(text: &[u8]) -> (u64, LogReport) {
    let mut reader = LogReader::new(options());
    reader.read("app.log", &mut Cursor::new(text));
    (reader.lines_looked_at(), reader.finish())
}

fuzz_target!(|text: &[u8]| {
    let (looked, report) = read(text);
    let lines = report.sources.iter().map(|source| source.lines).sum::<u64>();
    assert!(looked <= 3 * lines + 20, "{looked} looks at {lines} lines");

    let mut pieces = LogReader::new(options());
    pieces.read("app.log", &mut BufReader::with_capacity(13, text));
    let pieces = pieces.finish();
    assert_eq!(pieces.events, report.events);
    assert_eq!(pieces.groups, report.groups);

    // Growth, counted: a second and a third copy cost the same.
    if text.len() < 4_000 {
        let line = [text, b"\n"].concat();
        let [first, second, third] = [4, 8, 16].map(|times| read(&line.repeat(times)).0);
        let (once, twice) = (second.saturating_sub(first), third.saturating_sub(second));
        assert!(twice <= 3 * once + 200, "{first}, {second}, {third} looks");
    }
});
