//! Logs of real programs, spoiled at random: read without a panic, whole as in pieces, and in time that grows as the log.
//!
//! A few hundred in each run; `PYBISECT_LOG_MUTATIONS=5000` for more. What is random follows from the number alone.

use std::io::{BufReader, Cursor};
use std::path::Path;

use pybisect::model::LogReport;
use pybisect::triage::log::LogReader;

use crate::support::log_options;

/// Numbers that look random: the same in each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % most.max(1)
    }
}

/// Logs of a size at which each part of the reader is reached, and many can be tried.
fn logs() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/logs/programs");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "log"));
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).unwrap()).filter(|text| text.len() < 40_000).collect()
}

const STRANGE: [&[u8]; 24] = [
    b"\0",
    b"\r",
    b"\n",
    b"\x1b[31m",
    b"\xff\xfe",
    b"\xc2\xa0",
    b"{",
    b"}",
    b"\"",
    b"\\",
    b"\\n",
    b"[{\"a\":[",
    b"'''",
    b"\"\"\"",
    b"Traceback (most recent call last):",
    b"  File \"",
    b"web-1  | ",
    b"[pod/a/b] ",
    b"2026-11-28T10:00:01.000000001Z stderr P ",
    b"\xe2\x94\x82 ",
    b"\xe2\x95\xad",
    b"<![CDATA[",
    b"&quot;",
    b"#012",
];

/// One change: lines or bytes left out, doubled, moved, cut, or put in, some from another log.
fn spoil(text: &mut Vec<u8>, other: &[u8], dice: &mut Dice) {
    if text.is_empty() {
        text.extend_from_slice(other);
    }
    let line = |text: &[u8], at: usize| {
        let start = text[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let end = text[at..].iter().position(|byte| *byte == b'\n').map_or(text.len(), |end| at + end + 1);
        start..end
    };
    let at = dice.below(text.len());
    match dice.below(9) {
        0 => drop(text.drain(line(text, at))),
        1 => {
            let doubled = text[line(text, at)].to_vec();
            let to = dice.below(text.len());
            drop(text.splice(to..to, doubled));
        }
        2 => {
            let moved: Vec<u8> = text.drain(line(text, at)).collect();
            let to = line(text, dice.below(text.len().max(1)).min(text.len())).start;
            drop(text.splice(to..to, moved));
        }
        3 => drop(text.drain(at..(at + 1 + dice.below(400)).min(text.len()))),
        4 => text[at] = u8::try_from(dice.below(256)).unwrap(),
        5 => drop(text.splice(at..at, STRANGE[dice.below(STRANGE.len())].iter().copied())),
        6 => {
            let from = dice.below(other.len());
            let part = &other[from..(from + 1 + dice.below(2_000)).min(other.len())];
            drop(text.splice(at..at, part.iter().copied()));
        }
        7 => {
            let mark = STRANGE[dice.below(STRANGE.len())];
            *text =
                text.split_inclusive(|byte| *byte == b'\n').flat_map(|line| [mark, line].concat()).collect();
        }
        _ => text.retain(|byte| *byte != b'\n' || !at.is_multiple_of(7)),
    }
}

/// How many lines there are, in the text or within one of its lines: line feeds, carriage returns, zero bytes, and the line
/// feeds that JSON and syslog escape.
fn ends_of_lines(text: &[u8]) -> usize {
    let bytes = text.iter().filter(|byte| matches!(byte, b'\n' | b'\r' | 0)).count();
    let escaped: [&[u8]; 2] = [b"\\n", b"#012"];
    bytes
        + escaped.iter().map(|end| text.windows(end.len()).filter(|part| part == end).count()).sum::<usize>()
}

fn read(text: &[u8], at_once: usize) -> (u64, LogReport) {
    let mut reader = LogReader::new(log_options(2));
    reader.read("app.log", &mut BufReader::with_capacity(at_once, Cursor::new(text)));
    (reader.lines_looked_at(), reader.finish())
}

#[test]
fn spoiled_logs_are_read_to_their_end() {
    let many = std::env::var("PYBISECT_LOG_MUTATIONS").map_or(300, |many| many.parse().unwrap());
    let logs = logs();
    for number in 0..many {
        let mut dice = Dice(number);
        let mut text = logs[dice.below(logs.len())].clone();
        for _ in 0..=dice.below(12) {
            let other = &logs[dice.below(logs.len())];
            spoil(&mut text, other, &mut dice);
        }
        let (_, whole) = read(&text, 1 << 16);
        let (_, pieces) = read(&text, 1 + dice.below(90));
        assert_eq!(whole, pieces, "log {number}: whole, and in pieces");
        // Twice, as one of a traceback and once more where it is none: each line, and each that a record holds. Those are what
        // is looked at where whole logs come to stand in one line: a spoiled line end makes a `\\n` or a zero byte of all of
        // them. In 17,000 spoiled logs nothing was looked at more often.
        text.push(b'\n');
        for times in [1, 8] {
            let (looked, _) = read(&text.repeat(times), 1 << 16);
            let lines = ends_of_lines(&text);
            let most = u64::try_from(2 * lines * times).unwrap();
            assert!(looked <= most, "log {number}: {looked} looks at {lines} lines, {times} times");
        }
    }
}
