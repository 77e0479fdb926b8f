//! A text that another language's program prints as a string in pieces, one a line: `'Traceback …:\\n' +`, as Node.js shows
//! what a child wrote.

use crate::triage::traceback::layouts::escaped;

const HEADER: &[u8] = b"Traceback (most recent call last):";

/// Reads one line after the other.
#[derive(Debug, Default)]
pub(super) struct StringPieces {
    /// A further piece follows in the next line.
    inside: bool,
}

impl StringPieces {
    /// Whether another piece follows.
    pub(super) const fn is_under_way(&self) -> bool {
        self.inside
    }

    /// The text that a line is a piece of; `None` when it is none.
    pub(super) fn line(&mut self, line: &[u8]) -> Option<String> {
        let opens = || line.ends_with(b" +") && memchr::memmem::find(line, HEADER).is_some();
        if !self.inside && !opens() {
            return None;
        }
        let line = String::from_utf8_lossy(line);
        let start = if self.inside { Some(line.len() - line.trim_start().len()) } else { opening(&line) };
        let more = line.trim_end().ends_with(" +");
        let text = start.and_then(|start| escaped::unquoted(&line[start..]));
        self.inside = more && text.is_some();
        text.map(|text| text.trim_end_matches('\n').to_owned())
    }
}

/// Where the string begins that the header opens.
fn opening(line: &str) -> Option<usize> {
    let header = line.find(std::str::from_utf8(HEADER).ok()?)?;
    line[..header].ends_with(['\'', '"', '`']).then(|| header - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Node.js 20, an error of `child_process.exec`.
    #[test]
    fn pieces_are_lines() {
        let mut pieces = StringPieces::default();
        let mut read = |line: &str| pieces.line(line.as_bytes());
        assert_eq!(read("  code: 1,"), None);
        let header = "Traceback (most recent call last):";
        assert_eq!(read(&format!(r"  stderr: '{header}\n' +")).as_deref(), Some(header));
        let frame = "  File \"/srv/a.py\", line 3, in f";
        assert_eq!(read(&format!(r"    '{frame}\n' +")).as_deref(), Some(frame));
        assert_eq!(read(r#"    "KeyError: 'mint'\n""#).as_deref(), Some("KeyError: 'mint'"));
        assert_eq!(read("}"), None);
    }
}
