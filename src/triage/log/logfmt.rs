//! Lines that a collector writes as pairs, one record a line (logfmt): `message="  File …" source_type=file`, as Vector does.

use std::hash::Hasher;

use super::json::{LEVELS, TIMES};
use super::quick;
use crate::triage::traceback::layouts::escaped;

/// Fields that hold the line.
const LINES: [&str; 5] = ["message", "msg", "log", "line", "MESSAGE"];

/// The line that a record holds, and what tells whose it is: its other fields, but for times.
pub(super) fn line(body: &[u8]) -> Option<(String, u64)> {
    let mut rest = std::str::from_utf8(body).ok()?.trim_end();
    let mut hasher = quick::hasher();
    let mut text = None;
    while !rest.is_empty() {
        let (key, behind) = rest.split_once('=')?;
        let is_key = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '@' | '/');
        if key.is_empty() || !key.chars().all(is_key) {
            return None;
        }
        let quoted = behind.starts_with('"');
        let length =
            if quoted { length_of_quoted(behind)? } else { behind.find(' ').unwrap_or(behind.len()) };
        let (value, behind) = behind.split_at(length);
        if LINES.contains(&key) && text.is_none() {
            text = Some(if quoted { escaped::unquoted(value)? } else { value.to_owned() });
        } else if !TIMES.contains(&key) && !LEVELS.contains(&key) && key != "offset" {
            hasher.write(key.as_bytes());
            hasher.write(value.as_bytes());
        }
        if !behind.is_empty() && !behind.starts_with(' ') {
            return None;
        }
        rest = behind.trim_start();
    }
    text.map(|text| (text.trim_end_matches('\n').to_owned(), hasher.finish()))
}

fn length_of_quoted(text: &str) -> Option<usize> {
    let mut escaped = false;
    let end = text.bytes().skip(1).position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })?;
    Some(end + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_and_whose_it_is() {
        let read = |text: &str| line(text.as_bytes());
        let frame = r#"host=kiosk-1 message="  File \"/srv/a.py\", line 3, in f" source_type=file timestamp=2026-11-28T10:00:01Z"#;
        let (text, process) = read(frame).unwrap();
        assert_eq!(text, "  File \"/srv/a.py\", line 3, in f");
        assert_eq!(
            read("host=kiosk-1 message=sold source_type=file timestamp=2026-11-28T10:00:02Z").unwrap().1,
            process
        );
        assert_ne!(read("host=kiosk-2 message=sold source_type=file").unwrap().1, process);
        for none in ["host=kiosk-1", "sold message=\"x\"", "message=\"x", "message=\"x\"y", "a = b", ""] {
            assert_eq!(read(none), None, "{none}");
        }
    }
}
