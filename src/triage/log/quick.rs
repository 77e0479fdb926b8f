//! Byte tests before any pattern is matched: most lines are decided by their first bytes.
//!
//! Each answers the same as the pattern beside it, or leaves the answer to it; tests compare the two.

use std::hash::BuildHasher;
use std::sync::LazyLock;

use foldhash::fast::RandomState;

static STATE: LazyLock<RandomState> = LazyLock::new(RandomState::default);

/// Hasher of maps and fingerprints: quick, and seeded anew in each process.
pub(super) fn hasher() -> impl std::hash::Hasher {
    STATE.build_hasher()
}

/// Length of the leading bytes that are `of`.
fn run(text: &[u8], of: impl Fn(u8) -> bool) -> usize {
    text.iter().position(|byte| !of(*byte)).unwrap_or(text.len())
}

/// Length of the date and time that a text begins with: `2026-11-28 10:00:01`, with `/`, with `T`.
pub(super) fn date_time(text: &[u8]) -> Option<usize> {
    let form = text.get(..19)?;
    let digit = |at: usize| form[at].is_ascii_digit();
    let digits = [0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18].into_iter().all(digit);
    let signs = matches!(form[4], b'-' | b'/')
        && matches!(form[7], b'-' | b'/')
        && matches!(form[10], b'T' | b' ')
        && form[13] == b':'
        && form[16] == b':';
    (digits && signs).then_some(19)
}

/// Length of a fraction of a second: `.123`, `,123`.
pub(super) fn fraction(text: &[u8]) -> usize {
    match text.first() {
        Some(b'.' | b',') => match run(&text[1..], |byte| byte.is_ascii_digit()) {
            0 => 0,
            digits => 1 + digits,
        },
        _ => 0,
    }
}

/// What the first bytes tell of a layer of marks.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Layer {
    /// There is none.
    None,
    /// So many bytes; the range names the process.
    Marks(usize, Option<(usize, usize)>),
    /// A pattern must tell.
    Unknown,
}

/// A layer of marks at the line's beginning, as far as its first bytes tell.
pub(super) fn layer(line: &[u8]) -> Layer {
    let Some(&first) = line.first() else { return Layer::None };
    match first {
        b'[' if line.starts_with(b"[pod/") => match memchr::memchr(b']', line) {
            Some(end) if end > 5 && line.get(end + 1) == Some(&b' ') => Layer::Marks(end + 2, Some((5, end))),
            _ => Layer::Unknown,
        },
        b'<' | b'@' | 0x80.. => Layer::Unknown,
        b'0'..=b'9' => match date_time(line) {
            Some(end) => timed(line, end),
            None => named(line),
        },
        b'A'..=b'Z' if line.get(3) == Some(&b' ') => of_syslog(line),
        b'a'..=b'z' | b'A'..=b'Z' | b'_' => named(line),
        _ => Layer::None,
    }
}

/// `web-1  | `; a time of day may stand before it.
fn named(line: &[u8]) -> Layer {
    let name = run(line, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'/' | b'-'));
    let blanks = run(&line[name..], |byte| byte == b' ');
    match line.get(name + blanks) {
        Some(b'|') if name > 0 && !matches!(line[0], b'.' | b'/' | b'-') => {
            let end = name + blanks + 1;
            Layer::Marks(end + usize::from(line.get(end) == Some(&b' ')), Some((0, name)))
        }
        Some(b'|' | b':' | 0x80..) => Layer::Unknown,
        _ => Layer::None,
    }
}

/// `host process[7]: ` behind a time, from `start` on.
fn process(line: &[u8], start: usize) -> Layer {
    let rest = &line[start..];
    let word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    let host = run(rest, |byte| word(byte) || byte == b':');
    if host == 0 || rest.get(host) != Some(&b' ') || matches!(&rest[..host], b"stdout" | b"stderr") {
        return Layer::Unknown;
    }
    let name = run(&rest[host + 1..], |byte| word(byte) || matches!(byte, b'/' | b'@'));
    let mut end = host + 1 + name;
    if rest.get(end) == Some(&b'[') {
        let digits = run(&rest[end + 1..], |byte| byte.is_ascii_digit());
        if digits == 0 || rest.get(end + 1 + digits) != Some(&b']') {
            return Layer::Unknown;
        }
        end += digits + 2;
    }
    if name == 0 || !rest[end..].starts_with(b": ") {
        return Layer::Unknown;
    }
    Layer::Marks(start + end + 2, Some((start, start + end)))
}

/// `Nov 28 10:00:01 ` before a host.
fn of_syslog(line: &[u8]) -> Layer {
    let small = |at: usize| line.get(at).is_some_and(u8::is_ascii_lowercase);
    let blanks = run(line.get(3..).unwrap_or_default(), |byte| byte == b' ');
    let at = 3 + blanks;
    let day = run(line.get(at..).unwrap_or_default(), |byte| byte.is_ascii_digit());
    let time = line.get(at + day..at + day + 10);
    let clock = time.is_some_and(|time| {
        time.iter().enumerate().all(|(at, byte)| match at {
            0 | 9 => *byte == b' ',
            3 | 6 => *byte == b':',
            _ => byte.is_ascii_digit(),
        })
    });
    if small(1) && small(2) && matches!(blanks, 1 | 2) && matches!(day, 1 | 2) && clock {
        process(line, at + day + 10)
    } else {
        Layer::Unknown
    }
}

/// Behind a time stand the mark's other parts, or the program's own words.
fn timed(line: &[u8], end: usize) -> Layer {
    let end = end + fraction(&line[end..]);
    let zoned = line.get(end).is_some_and(|byte| matches!(byte, b'Z' | b'+' | b'-'));
    let zone = match line.get(end) {
        Some(b'Z') => 1,
        Some(b'+' | b'-') => 1 + run(&line[end + 1..], |byte| byte.is_ascii_digit() || byte == b':'),
        _ => 0,
    };
    let end = end + zone;
    if line.get(end) != Some(&b' ') {
        // `2026-11-28 10:00:01,500: ERROR`, `2026-11-28T10:00:01Z|`
        return if line.get(end) == Some(&b'|') { Layer::Unknown } else { Layer::None };
    }
    let rest = &line[end + 1..];
    let word = &rest[..run(rest, |byte| byte != b' ')];
    let other = matches!(word, b"stdout" | b"stderr" | b"Z" | b"|")
        || matches!(word, [b'0'..=b'9', b'0'..=b'9', b'O' | b'E', ..])
        || word.iter().any(|byte| matches!(byte, b'[' | b'/'))
        || word.first().is_some_and(|byte| matches!(byte, b'+' | b'-'));
    if other {
        return Layer::Unknown;
    }
    if line[10] == b' ' {
        return Layer::None;
    }
    let behind = rest.get(word.len() + 1..).unwrap_or_default();
    let second = &behind[..run(behind, |byte| byte != b' ')];
    if !word.is_empty() && second.ends_with(b":") {
        return Layer::Unknown;
    }
    let precise = memchr::memchr(b'.', &line[19..end]).is_some();
    // Other forms of a zone are left to the pattern.
    let whole = zone == 1 || zone == 6 || zone == 5;
    match (precise && zoned && line[4] == b'-' && line[7] == b'-', whole) {
        (true, true) => Layer::Marks(end + 1, None),
        (true, false) => Layer::Unknown,
        (false, _) => Layer::None,
    }
}

/// Where a time as access lines have it begins: `[28/Nov/2026:10:00:01 +0000]`.
pub(super) fn access_time(text: &[u8]) -> Option<usize> {
    let open = memchr::memchr(b'[', text)?;
    let form = text.get(open + 1..open + 28)?;
    let all = form.iter().enumerate().all(|(at, byte)| match at {
        2 | 6 => *byte == b'/',
        11 | 14 | 17 => *byte == b':',
        20 => *byte == b' ',
        21 => matches!(*byte, b'+' | b'-'),
        26 => *byte == b']',
        3 => byte.is_ascii_uppercase(),
        4 | 5 => byte.is_ascii_lowercase(),
        _ => byte.is_ascii_digit(),
    });
    // No other form may stand before it.
    (all && timeless(&text[..open])).then_some(open + 1)
}

/// Whether no timestamp of any form can stand in the text.
pub(super) fn timeless(text: &[u8]) -> bool {
    let mut digits = 0;
    for (at, byte) in text.iter().enumerate() {
        if byte.is_ascii_digit() {
            digits += 1;
            // Seconds since 1970, or a date without signs.
            if digits >= 8 {
                return false;
            }
        } else {
            let of_day = *byte == b':' && digits >= 2;
            let clock = |text: &[u8]| text.len() == 5 && text[2] == b':' && text[0].is_ascii_digit();
            if of_day && text.get(at + 1..at + 6).is_some_and(clock) {
                return false;
            }
            digits = 0;
        }
    }
    true
}

/// Whether no record can begin with these bytes.
pub(super) fn begins_nothing(body: &[u8]) -> bool {
    match body.first() {
        Some(b'[' | b'(' | b'{' | b'=' | b'-' | b'0'..=b'9' | 0x80..) => false,
        Some(b'A'..=b'Z') => {
            let month = body.get(3) == Some(&b' ');
            let levels: [&[u8]; 8] =
                [b"CRITICAL", b"FATAL", b"ERROR", b"WARN", b"INFO", b"DEBUG", b"NOTICE", b"WARNING"];
            !month && !levels.iter().any(|level| body.starts_with(level))
        }
        _ => true,
    }
}

/// Request and status of the first access line's part `"GET /path HTTP/1.1" 200`.
pub(super) fn access(body: &[u8]) -> Option<(&[u8], &[u8])> {
    for open in memchr::memchr_iter(b'"', body) {
        // web.py tells the protocol first, and a dash before the status.
        let text = &body[open + 1..];
        let text = if text.starts_with(b"HTTP/1.") { text.get(9..).unwrap_or(text) } else { text };
        let method = run(text, |byte| byte.is_ascii_uppercase());
        if !(3..=7).contains(&method) || text.get(method) != Some(&b' ') {
            continue;
        }
        let path = run(&text[method + 1..], |byte| {
            !matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c | b'"' | b'?')
        });
        let Some(close) = memchr::memchr(b'"', text).filter(|_| path > 0) else { continue };
        let behind = &text[close + 1..];
        let behind = behind.strip_prefix(b" -").unwrap_or(behind);
        let status = behind.get(1..4).filter(|code| code.iter().all(u8::is_ascii_digit));
        let alone = behind.get(4).is_none_or(|byte| !(byte.is_ascii_alphanumeric() || *byte == b'_'));
        if let Some(status) = status.filter(|_| behind[0] == b' ' && alone) {
            return Some((&text[..method + 1 + path], status));
        }
    }
    None
}

/// Words that name a level in capitals, and whether it is error or worse.
const CAPITALS: [(&[u8], bool); 14] = [
    (b"WARNING", false),
    (b"WARN", false),
    (b"INFO", false),
    (b"DEBUG", false),
    (b"NOTICE", false),
    (b"TRACE", false),
    (b"SUCCESS", false),
    (b"CRITICAL", true),
    (b"FATAL", true),
    (b"ERROR", true),
    (b"EMERG", true),
    (b"ALERT", true),
    (b"SEVERE", true),
    (b"PANIC", true),
];
/// The same in small letters, between brackets or behind `level=`.
const SMALL: [(&[u8], bool); 15] = [
    (b"warning", false),
    (b"warn", false),
    (b"info", false),
    (b"notice", false),
    (b"debug", false),
    (b"trace", false),
    (b"error", true),
    (b"err", true),
    (b"critical", true),
    (b"crit", true),
    (b"alert", true),
    (b"emerg", true),
    (b"fatal", true),
    (b"panic", true),
    (b"dpanic", true),
];
/// Those that stand in one of the two places only.
const BRACKETED: usize = 13;
const KEYED: [usize; 9] = [0, 1, 2, 4, 5, 6, 8, 12, 13];

/// The word that names a level: where it begins with its signs, where it ends, and whether it is error or worse.
pub(super) fn level(head: &[u8], from: usize) -> Option<(usize, usize, bool)> {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let mut behind_word = from > 0 && word(head[from - 1]);
    for (at, &byte) in head.iter().enumerate().skip(from) {
        let found = match byte {
            b'A' | b'C' | b'D' | b'E' | b'F' | b'I' | b'N' | b'P' | b'S' | b'T' | b'W' if !behind_word => {
                capitals(&head[at..]).map(|(length, high)| (at, at + length, high))
            }
            b'[' | b':' | b'#' => {
                bracketed(&head[at + 1..]).map(|(length, high)| (at, at + 1 + length, high))
            }
            b'l' if !behind_word => keyed(&head[at..]).map(|(length, high)| (at, at + length, high)),
            _ => None,
        };
        if found.is_some() {
            return found;
        }
        behind_word = word(byte);
    }
    None
}

fn alone(text: &[u8], end: usize) -> bool {
    text.get(end).is_none_or(|byte| !(byte.is_ascii_alphanumeric() || *byte == b'_'))
}

fn capitals(text: &[u8]) -> Option<(usize, bool)> {
    let found = CAPITALS.iter().find(|(name, _)| text.starts_with(name) && alone(text, name.len()));
    found.map(|(name, high)| (name.len(), *high))
}

fn bracketed(text: &[u8]) -> Option<(usize, bool)> {
    let name = run(text, |byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let start = if name > 0 && text.get(name) == Some(&b':') { name + 1 } else { 0 };
    let text = &text[start..];
    let (name, high) = SMALL[..BRACKETED].iter().find(|(name, _)| text.starts_with(name))?;
    let digit = usize::from(*name == b"trace" && text.get(name.len()).is_some_and(u8::is_ascii_digit));
    let end = name.len() + digit;
    let end = end + run(&text[end..], |byte| byte == b' ');
    (text.get(end) == Some(&b']')).then_some((start + end + 1, *high))
}

fn keyed(text: &[u8]) -> Option<(usize, bool)> {
    let value = text.strip_prefix(b"level=")?;
    let quote = usize::from(value.first() == Some(&b'"'));
    let value = &value[quote..];
    let (name, high) = KEYED
        .map(|at| SMALL[at])
        .into_iter()
        .chain([SMALL[14]])
        .find(|(name, _)| value.starts_with(name) && alone(value, name.len()))?;
    let closing = usize::from(value.get(name.len()) == Some(&b'"'));
    Some((6 + quote + name.len() + closing, high))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::triage::log::prefix;

    /// Pieces of lines that are marks, times, levels and accesses, or nearly so.
    fn line() -> impl Strategy<Value = String> {
        let piece = r"(2026-11-28[T ]10:00:01([.,]123)?(Z|\+00:00|\+0000| UTC)?|Nov 28 10:00:01|10:00:01|<11>1|\[pod/a-1/b\]|web-1  \||stdout F|stderr P|app\[web\.1\]:|host web\[7\]:|10\.0\.0\.7 - -|ERROR|INFO:|\[error\]|\[a:warn *\]|level=.?(info|error).?|SUCCESS|SEVERE|=====|-----|\{.|E|é|:|/|,|x|_| |  )";
        proptest::collection::vec(piece, 0..7).prop_map(|pieces| {
            pieces
                .iter()
                .enumerate()
                .fold(String::new(), |line, (at, piece)| line + piece + if at % 2 == 0 { " " } else { "" })
        })
    }

    proptest! {
        #[test]
        fn marks_are_those_of_the_pattern(line in line()) {
            let told = layer(line.as_bytes());
            prop_assume!(told != Layer::Unknown);
            let told = match told {
                Layer::Marks(end, process) => Some((end, process.map(|(start, end)| line[start..end].to_owned()))),
                _ => None,
            };
            prop_assert_eq!(told, prefix::by_pattern::layer(&line));
        }

        #[test]
        fn levels_are_those_of_the_pattern(line in line()) {
            prop_assert_eq!(level(line.as_bytes(), 0).map(|(start, end, _)| (start, end)), prefix::by_pattern::level(&line));
        }

        #[test]
        fn where_no_record_can_begin_none_begins(line in line()) {
            prop_assert!(!(begins_nothing(line.as_bytes()) && prefix::by_pattern::begins_record(&line)));
        }
    }

    #[test]
    fn requests_and_their_status() {
        let of = |line: &'static str| {
            access(line.as_bytes()).map(|(request, status)| {
                (std::str::from_utf8(request).unwrap(), std::str::from_utf8(status).unwrap())
            })
        };
        assert_eq!(of(r#"x "GET /a?b=1 HTTP/1.1" 500 2"#), Some(("GET /a", "500")));
        assert_eq!(of(r#""-" "POST /a HTTP/1.1" 200"#), Some(("POST /a", "200")));
        assert_eq!(of(r#"[x] "HTTP/1.1 GET /a" - 500 Internal Server Error"#), Some(("GET /a", "500")));
        for none in [
            r#""GET  x" 500"#,
            r#""get /a" 500"#,
            r#""GET /a" 5000"#,
            r#""GET /a HTTP/1.1 500"#,
            r#""GET /a" x"#,
        ] {
            assert_eq!(of(none), None, "{none}");
        }
    }
}
