//! Whether one line is an error event, and which.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, packed};
use memchr::memmem::Finder;
use regex::bytes::Regex;

use super::prefix::{self, Level};
use super::quick;

/// What a line is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line<'l> {
    /// A traceback begins here.
    Traceback,
    /// A report of pytest or unittest begins here.
    Runner,
    /// The interpreter crashed.
    Fatal,
    /// An access line with a status from 500 on: the status, and method and path.
    Status(&'l [u8], &'l [u8]),
    /// A record at an error level; its message.
    Error(&'l [u8]),
    /// Words that speak of an error, in a line without a level.
    Word(&'l [u8]),
    /// Nothing.
    Quiet,
}

/// What every line of interest contains, as programs write it: in small letters, in capitals, or with a
/// capital first. A line without one of these is never looked at. Exact texts can be searched for by
/// vector instructions, several times as fast as without regard to case.
static NEEDLES: LazyLock<Needles> = LazyLock::new(|| {
    let words = [
        "rror",
        "RROR",
        "xcept",
        "XCEPT",
        "raceback",
        "tack Trace:",
        "ritical",
        "RITICAL",
        "[crit]",
        "fatal",
        "Fatal",
        "FATAL",
        "panic",
        "Panic",
        "PANIC",
        "evere",
        "SEVERE",
        "emerg",
        "EMERG",
        "alert]",
        "ALERT",
        "FAIL: ",
        "\", line ",
        "FAILURES =",
        "___ ",
        "egmentation fault",
        "ut of memory",
        "\" 5",
        "status=5",
        "status\":5",
        "status\": 5",
        "status\":\"5",
        "status_code\":5",
        "status_code\": 5",
        "imeout (",
        "MESSAGE\":[",
    ];
    let slow = || AhoCorasick::new(words).expect("few short words");
    packed::Searcher::new(words).map_or_else(|| Needles::Any(slow()), Needles::Vectors)
});

/// The words, in the form in which this processor finds them fastest.
enum Needles {
    Vectors(packed::Searcher),
    Any(AhoCorasick),
}

/// Where the next line of interest may be.
pub(super) fn next_candidate(text: &[u8]) -> Option<usize> {
    match &*NEEDLES {
        Needles::Vectors(searcher) => searcher.find(text).map(|found| found.start()),
        Needles::Any(automaton) => automaton.find(text).map(|found| found.start()),
    }
}

/// Heroku's router, lograge and the like.
static ROUTER: LazyLock<Regex> =
    LazyLock::new(|| pattern(r#"\bmethod=[A-Z]+\b.*?\bpath="?([^\s"?]+).*?\bstatus=(\d{3})\b"#));
static METHOD: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new("method="));
static WORDS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i-u)\b(?:errors?|exception|critical|fatal|panic(?:ked)?|segmentation fault|out of memory)\b|(?-i)[a-z](?:Error|Exception)\b",
    )
});
static NO_ERRORS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i-u)\b(?:no|zero|0|without) (?:errors?|exceptions?|failures?)\b|\berrors?[=:] ?0\b|error[_-]log|\breport this\b|^(?:Extension|Configuration|Theme|Application|Sphinx) error!$",
    )
});
/// Frames of Java and JavaScript.
static FOREIGN: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\s+at (?:async )?[\w.$<>/\[\] -]+(?:\(|:\d)"));
/// Frames of Rust, which stand above those of Java's form.
static OF_RUST: LazyLock<Regex> = LazyLock::new(|| pattern(r"^ +\d+: (?:0x[0-9a-f]+ - )?[\w<]"));
/// What the `warnings` module prints.
static WARNING: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\S[^:]*:\d+: \w*Warning: "));
/// A test's heading stands first where the beginning is cut off.
static RUNNER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(?:={3,} (?:FAILURES|ERRORS) ={3,}|_{3,} (?:ERROR (?:collecting|at setup of|at teardown of) )?\S*[Tt]est\S*.* _{3,}$|(?:FAIL|ERROR): \S+ \([\w.]+\)|ImportError while loading conftest)",
    )
});

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a valid pattern")
}

const HEADER: &[u8] = b"Traceback (most recent call last):";
static FIND_HEADER: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new(HEADER));

/// Whether a traceback begins or goes on with a header here.
pub(super) fn is_header(body: &[u8]) -> bool {
    FIND_HEADER.find(body).is_some()
}

/// Where a traceback's header stands, with that of an exception group before it.
pub(super) fn header_column(body: &[u8]) -> Option<usize> {
    let at = FIND_HEADER.find(body)?;
    let before = &body[..at];
    let group = before.strip_suffix(b"Exception Group ");
    Some(group.map_or(at, |before| before.strip_suffix(b"  + ").unwrap_or(before).len()))
}

/// Whether nothing follows the header, so that the traceback's lines do.
pub(super) fn ends_in_header(body: &[u8]) -> bool {
    body.trim_ascii_end().ends_with(HEADER)
}

/// Path and status of a line that names them.
fn router(body: &[u8]) -> Option<(&[u8], &[u8])> {
    METHOD.find(body)?;
    let found = ROUTER.captures(body)?;
    Some((found.get(1)?.as_bytes(), found.get(2)?.as_bytes()))
}

/// Looks at a line's own words.
pub(super) fn classify(body: &[u8]) -> Line<'_> {
    if is_header(body) {
        return Line::Traceback;
    }
    if matches!(body.first(), Some(b'=' | b'_' | b'F' | b'E' | b'I')) && RUNNER.is_match(body) {
        return Line::Runner;
    }
    if body.starts_with(b"Fatal Python error: ") || is_timeout(body) {
        return Line::Fatal;
    }
    if let Some((request, status)) = quick::access(body).or_else(|| router(body)) {
        return if status.starts_with(b"5") { Line::Status(status, request) } else { Line::Quiet };
    }
    match prefix::level(body) {
        // `"severity": "ERROR",` of an object that is written over several lines
        (Some(Level::High), message)
            if body.trim_ascii_start().starts_with(b"\"")
                && !message.iter().any(u8::is_ascii_alphanumeric) =>
        {
            Line::Quiet
        }
        (Some(Level::High), message) => Line::Error(message),
        (Some(Level::Low), _) => Line::Quiet,
        (None, _) if body.first().is_some_and(u8::is_ascii_whitespace) && FOREIGN.is_match(body) => {
            Line::Quiet
        }
        (None, _) if WORDS.is_match(body) && !NO_ERRORS.is_match(body) && !is_warning(body) => {
            Line::Word(body.trim_ascii())
        }
        (None, _) => Line::Quiet,
    }
}

/// Whether the line is a frame of another language.
pub(super) fn is_foreign(body: &[u8]) -> bool {
    body.first().is_some_and(u8::is_ascii_whitespace) && (FOREIGN.is_match(body) || OF_RUST.is_match(body))
}

/// What `faulthandler.dump_traceback_later` prints above the threads: `Timeout (0:00:30)!`
fn is_timeout(body: &[u8]) -> bool {
    body.strip_prefix(b"Timeout (").is_some_and(|rest| rest.ends_with(b")!") && rest[0].is_ascii_digit())
}

/// Whether the `warnings` module printed the line.
pub(super) fn is_warning(body: &[u8]) -> bool {
    memchr::memmem::find(body, b"Warning: ").is_some() && WARNING.is_match(body)
}

/// The line behind a traceback's frames for a file that cannot be compiled.
pub(super) fn is_syntax_error(body: &[u8]) -> bool {
    [&b"SyntaxError: "[..], b"IndentationError: ", b"TabError: "].iter().any(|start| body.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quiet(line: &str) {
        assert_eq!(classify(line.as_bytes()), Line::Quiet, "{line}");
    }

    #[test]
    fn what_is_an_event_and_what_is_not() {
        let access = br#"127.0.0.1 - - [24/Nov/2026:15:07:38 +0000] "POST /your-url?x=1 HTTP/1.1" 500 265 "-" "smoke""#;
        assert_eq!(classify(access), Line::Status(b"500", b"POST /your-url"));
        let router = br#"at=error code=H12 method=GET path="/x?y" host=h status=503 bytes=0"#;
        assert_eq!(classify(router), Line::Status(b"503", b"/x"));
        assert_eq!(classify(b"ERROR:db:gone"), Line::Error(b"db:gone"));
        assert_eq!(classify(b"bind() failed: socket error"), Line::Word(b"bind() failed: socket error"));
        assert_eq!(classify(b"ValueError: x"), Line::Word(b"ValueError: x"));
        quiet("INFO:app:retry after error");
        quiet(r#"1.2.3.4 - - [x] "GET /error HTTP/1.1" 200 5"#);
        quiet("finished with 0 errors");
        quiet("opening /var/log/nginx/error_log");
        quiet("the terror of mirrors");
    }

    #[test]
    fn every_event_has_a_needle() {
        let lines = [
            "[crit] x",
            "[emerg] x",
            "FAIL: test_a (m.C)",
            "=== FAILURES ===",
            "___ ContentTests.test_a ___",
            "Traceback (most recent call last):",
            r#""GET / HTTP/1.1" 502"#,
            "method=GET path=/ status=500",
            "oserror",
            "OSError",
            "an Exception",
            "Segmentation fault (core dumped)",
        ];
        for line in lines {
            assert!(next_candidate(line.as_bytes()).is_some(), "{line}");
        }
        assert_eq!(next_candidate(b"GET / 200 all well"), None);
    }
}
