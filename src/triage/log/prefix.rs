//! What stands before a program's own words on a line: the marks of Docker, Kubernetes, syslog, journald,
//! Heroku, CloudWatch, process managers; then the program's own timestamp and level.

use std::hash::{DefaultHasher, Hasher};
use std::sync::LazyLock;

use regex::bytes::Regex;

use super::quick::{self, Layer};

/// Where the level of a record that begins with a blank ends at the latest.
const MOST_LEVEL: usize = 30;

/// How grave a line says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// Below error.
    Low,
    /// Error, critical and worse.
    High,
}

/// A line, taken apart.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taken<'l> {
    /// Marks of the machinery, with any timestamp among them.
    pub marks: &'l [u8],
    /// What the program wrote, with its indentation.
    pub body: &'l [u8],
    /// Which process it came from, as far as the marks tell: lines of one traceback share it.
    pub stream: u64,
}

/// A timestamp, without groups.
const TIME: &str = r"(?:\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?: ?(?:Z|[+-]\d\d:?\d\d))?|[A-Z][a-z]{2} {1,2}\d{1,2} \d\d:\d\d:\d\d)";

/// A timestamp as syslog and journald write it.
const SYSLOG: &str = r"(?:\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)|[A-Z][a-z]{2} {1,2}\d{1,2} \d\d:\d\d:\d\d)";

/// One layer of marks, from the line's beginning. Group 1 (to 6) tells the process.
static LAYER: LazyLock<Regex> = LazyLock::new(|| {
    let kinds = [
        // kubectl logs --prefix
        r"\[pod/([^\]\n]+)\] ".to_owned(),
        // the container runtime's own files
        format!(r"{TIME} (stdout|stderr) [FP] "),
        // the logs of GitLab's jobs
        format!(r"{TIME} (\d\d[OE])[ +]"),
        // syslog and journald
        format!(r"(?:<\d{{1,3}}>)?{SYSLOG} ([\w.:-]+ [\w./@-]+(?:\[\d+\])?): "),
        format!(r"<\d{{1,3}}>1 {TIME} (\S+ \S+ \S+) \S+ (?:-|(?:\[(?:[^\]\\\n]|\\.)*\])+) (?:\x{{feff}})?"),
        // Heroku
        format!(r"{TIME} ([a-z]+\[[\w.-]+\]): "),
        // Docker Compose and process managers
        r"(?:\d\d:\d\d:\d\d )?(\w[\w./-]*) *\| ?".to_owned(),
        // CloudWatch
        format!(r"{TIME} ([\w/$.\[\]-]+/[0-9a-f]{{32}}) "),
        // daemontools and s6
        "@[0-9a-f]{24} ".to_owned(),
        // a timestamp alone, as `--timestamps` adds it
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+(?:Z|[+-]\d\d:?\d\d) ".to_owned(),
    ];
    Regex::new(&format!("^(?:{})", kinds.join("|"))).expect("a valid pattern")
});

/// A new record: what begins so continues nothing.
static RECORD: LazyLock<Regex> = LazyLock::new(|| {
    let level = r"\[?(?:CRITICAL|FATAL|ERROR|WARNING|WARN|INFO|DEBUG|NOTICE)\]?(?::|\b +\w|[\] ])";
    Regex::new(&format!(r"^(?:[\[(]?{TIME}|{level}|\d+(?:\.\d+){{3}} - |\{{\x22|=====|-----)"))
        .expect("a valid pattern")
});

/// Where levels are looked for, in bytes from the beginning of what the program wrote.
const LEVEL_WITHIN: usize = 160;
/// Layers of marks that are taken off.
const MOST_LAYERS: usize = 3;

/// The stream of lines without marks.
static UNMARKED: LazyLock<u64> = LazyLock::new(|| DefaultHasher::new().finish());

/// Takes the marks off a line.
pub(super) fn take(line: &[u8]) -> Taken<'_> {
    let mut at = 0;
    let mut process = None;
    for _ in 0..MOST_LAYERS {
        let Some((end, named)) = layer(&line[at..]) else { break };
        if let Some(name) = named {
            process.get_or_insert_with(DefaultHasher::new).write(name);
        }
        at += end;
    }
    let stream = process.map_or(*UNMARKED, |process| process.finish());
    Taken { marks: &line[..at], body: &line[at..], stream }
}

/// One layer of marks: its length, and what tells the process.
fn layer(line: &[u8]) -> Option<(usize, Option<&[u8]>)> {
    let (end, process) = match quick::layer(line) {
        Layer::None => return None,
        Layer::Marks(end, process) => (end, process.map(|(start, end)| &line[start..end])),
        Layer::Unknown => {
            let found = LAYER.captures(line)?;
            let process = found.iter().skip(1).flatten().next().map(|process| process.as_bytes());
            (found.get(0)?.end(), process)
        }
    };
    // `Nov 24 14:20:00 ERROR db: …` is a program's own record, and no host is called so.
    let own = process.is_some_and(|name| quick::level(name, 0).is_some_and(|(start, ..)| start == 0));
    (!own).then_some((end, process))
}

/// The line's level, and its message: what stands behind the level.
pub(super) fn level(body: &[u8]) -> (Option<Level>, &[u8]) {
    let head = &body[..body.len().min(LEVEL_WITHIN)];
    let mut found = quick::level(head, 0);
    // `log_count/ERROR` counts records, and a path is no level.
    while let Some((start, end, _)) = found
        && head[..start].ends_with(b"/")
    {
        found = quick::level(head, end);
    }
    let Some((_, end, high)) = found else { return (None, body) };
    let mut rest = &body[end..];
    // `ERROR/MainProcess] `
    if rest.starts_with(b"/")
        && let Some(close) = rest.iter().position(|byte| *byte == b']')
    {
        rest = &rest[close..];
    }
    let start = rest.iter().position(|byte| !matches!(byte, b']' | b' ' | b':' | b'|' | b'-' | b'\t' | b')'));
    let message = start.map_or(&rest[rest.len()..], |start| &rest[start..]);
    (Some(if high { Level::High } else { Level::Low }), message)
}

/// A record of a logger whose form begins with a blank, as the Sentry SDK's: ` [sentry] DEBUG: …`.
pub(super) fn is_leveled_behind_a_blank(body: &str) -> bool {
    let Some(bare) = body.strip_prefix(' ').filter(|bare| !bare.starts_with(' ')) else { return false };
    let (level, message) = level(bare.as_bytes());
    level.is_some() && bare.len() - message.len() <= MOST_LEVEL
}

/// Whether a new record begins here.
pub(super) fn begins_record(body: &[u8]) -> bool {
    !quick::begins_nothing(body) && RECORD.is_match(body)
}

/// The same by patterns, to compare with.
#[cfg(test)]
pub(super) mod by_pattern {
    use super::*;

    static LEVEL: LazyLock<Regex> = LazyLock::new(|| {
        let low = "WARNING|WARN|INFO|DEBUG|NOTICE|TRACE|SUCCESS";
        let high = "CRITICAL|FATAL|ERROR|EMERG|ALERT|SEVERE|PANIC";
        let bracketed = r"[\[:#](?:\w+:)?(?:warn(?:ing)?|info|notice|debug|trace\d?|err(?:or)?|crit(?:ical)?|alert|emerg|fatal) *\]";
        let keyed = r#"\blevel="?(?:warn(?:ing)?|info|debug|trace|error|critical|fatal|panic|dpanic)\b"?"#;
        Regex::new(&format!(r"(?-u)\b(?:(?:{low})|(?:{high}))\b|{bracketed}|{keyed}"))
            .expect("a valid pattern")
    });

    pub(in crate::triage::log) fn level(text: &str) -> Option<(usize, usize)> {
        LEVEL.find(text.as_bytes()).map(|found| (found.start(), found.end()))
    }

    pub(in crate::triage::log) fn layer(text: &str) -> Option<(usize, Option<String>)> {
        let found = LAYER.captures(text.as_bytes())?;
        let process = found.iter().skip(1).flatten().next();
        let process = process.map(|process| String::from_utf8_lossy(process.as_bytes()).into_owned());
        Some((found.get(0)?.end(), process))
    }

    pub(in crate::triage::log) fn begins_record(text: &str) -> bool {
        RECORD.is_match(text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_taken_off_and_indentation_stays() {
        let marks = [
            "[pod/web-7d9f8b6c5-x2x9q/app] 2026-11-24T14:20:00.000001Z ",
            "2026-11-24T14:20:00.000001Z stderr F ",
            "2026-11-24T14:20:00.000001Z 01O ",
            "web-1  | ",
            "15:08:02 worker1.1 | ",
            "Nov 24 14:20:00 ip-10-0-0-7 web[2391]: ",
            "<11>1 2026-11-24T14:20:00.000001Z ip-10-0-0-7 web 2391 - - ",
            "2026-11-24T14:20:00+0000 host gunicorn[2391]: ",
            "2026-11-24T14:20:00.000001Z web/app/0123456789abcdef0123456789abcdef ",
            "2026-11-24T14:20:00.000001+00:00 app[web.1]: ",
            "@4000000065f1c2a31b2c3d4e ",
            "",
        ];
        for mark in marks {
            for body in [
                "  File \"a.py\", line 3, in f",
                "  | ValueError: 1",
                "[2026-11-24 15:07:36 +0000] [1] [INFO] x",
            ] {
                let line = format!("{mark}{body}");
                assert_eq!(take(line.as_bytes()).body, body.as_bytes(), "{line}");
            }
        }
        for own in [
            "2026-11-24 10:00:01 ERROR db: lost",
            "2026-11-24T10:00:01Z ERROR db: lost",
            "Nov 24 10:00:01 ERROR db: lost",
        ] {
            assert_eq!(take(own.as_bytes()).body, own.as_bytes());
        }
        assert_ne!(take(b"web-1  | x").stream, take(b"web-2  | x").stream);
        assert_eq!(take(b"15:08:02 a | x").stream, take(b"15:09:03 a | x").stream);
    }

    #[test]
    fn levels_of_the_usual_loggers() {
        let cases = [
            (
                "[2026-11-24 15:07:38,515] ERROR in app: Exception on / [GET]",
                Some(Level::High),
                "in app: Exception on / [GET]",
            ),
            (
                "[2026-11-24 15:07:45 +0000] [7912] [ERROR] Exception in worker",
                Some(Level::High),
                "Exception in worker",
            ),
            (
                "[2026-11-24 15:25:42,194: ERROR/MainProcess] Task x raised",
                Some(Level::High),
                "Task x raised",
            ),
            (" 'log_count/ERROR': 3,", None, " 'log_count/ERROR': 3,"),
            ("ERROR:root:cannot load", Some(Level::High), "root:cannot load"),
            ("ERROR:    Exception in ASGI application", Some(Level::High), "Exception in ASGI application"),
            ("INFO:     no ERROR here", Some(Level::Low), "no ERROR here"),
            (
                "2026/11/24 15:07:38 [error] 7#7: *1 connect() failed",
                Some(Level::High),
                "7#7: *1 connect() failed",
            ),
            ("[Tue Nov 24 15:07:38.1 2026] [wsgi:error] [pid 7] x", Some(Level::High), "[pid 7] x"),
            ("time=x level=error msg=\"no\"", Some(Level::High), "msg=\"no\""),
            ("2026-11-24 15:07:38.1 | ERROR    | app:f:3 - no", Some(Level::High), "app:f:3 - no"),
            ("an error", None, "an error"),
        ];
        for (line, expected, message) in cases {
            let (level, rest) = level(line.as_bytes());
            assert_eq!((level, rest), (expected, message.as_bytes()), "{line}");
        }
    }
}
