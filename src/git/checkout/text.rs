//! Line ends and `$Id$`.

use crate::model::BlobId;

/// What becomes of line ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(super) enum Eol {
    /// Nothing.
    #[default]
    AsStored,
    /// LF becomes CRLF.
    Crlf,
    /// The same, unless the file looks binary or has a CR in it.
    AutoCrlf,
}

impl Eol {
    /// The text with its line ends converted; `None` when nothing changes.
    pub(super) fn convert(self, text: &[u8]) -> Option<Vec<u8>> {
        if self == Self::AsStored {
            return None;
        }
        let facts = Facts::of(text);
        if facts.lone_lf == 0 || self == Self::AutoCrlf && (facts.crlf > 0 || facts.is_binary()) {
            return None;
        }
        let mut converted = Vec::with_capacity(text.len() + facts.lone_lf);
        let mut last = 0;
        for &byte in text {
            if byte == b'\n' && last != b'\r' {
                converted.push(b'\r');
            }
            converted.push(byte);
            last = byte;
        }
        Some(converted)
    }
}

/// What git counts to tell text from other content (`gather_stats` of its `convert.c`).
#[derive(Debug, Default)]
struct Facts {
    nul: usize,
    lone_cr: usize,
    lone_lf: usize,
    crlf: usize,
    printable: usize,
    other: usize,
}

impl Facts {
    fn of(text: &[u8]) -> Self {
        let mut facts = Self::default();
        let mut at = 0;
        while let Some(&byte) = text.get(at) {
            match byte {
                b'\r' if text.get(at + 1) == Some(&b'\n') => {
                    facts.crlf += 1;
                    at += 1;
                }
                b'\r' => facts.lone_cr += 1,
                b'\n' => facts.lone_lf += 1,
                127 => facts.other += 1,
                8 | b'\t' | 27 | 12 => facts.printable += 1,
                0 => {
                    facts.nul += 1;
                    facts.other += 1;
                }
                1..32 => facts.other += 1,
                _ => facts.printable += 1,
            }
            at += 1;
        }
        // The end of a file of DOS.
        if text.last() == Some(&0x1a) {
            facts.other = facts.other.saturating_sub(1);
        }
        facts
    }

    const fn is_binary(&self) -> bool {
        self.lone_cr > 0 || self.nul > 0 || (self.printable >> 7) < self.other
    }
}

/// A text with its blob's id in each `$Id$`; `None` when there is none.
pub(super) fn with_id(text: &[u8], id: BlobId) -> Option<Vec<u8>> {
    memchr::memmem::find(text, b"$Id")?;
    let mut made = Vec::with_capacity(text.len() + 64);
    let mut rest = text;
    let mut is_any = false;
    while let Some(dollar) = memchr::memchr(b'$', rest) {
        made.extend_from_slice(&rest[..=dollar]);
        rest = &rest[dollar + 1..];
        let Some(after) = behind_id(rest) else { continue };
        made.extend_from_slice(format!("Id: {id} $").as_bytes());
        rest = after;
        is_any = true;
    }
    made.extend_from_slice(rest);
    is_any.then_some(made)
}

/// What is behind `Id$` or `Id: … $`; `None` for anything else, such as the id of another program.
fn behind_id(text: &[u8]) -> Option<&[u8]> {
    let rest = text.strip_prefix(b"Id")?;
    if let Some(after) = rest.strip_prefix(b"$") {
        return Some(after);
    }
    let value = rest.strip_prefix(b":")?;
    let end = memchr::memchr(b'$', value)?;
    let (value, after) = (&value[..end], &value[end + 1..]);
    if value.contains(&b'\n') {
        return None;
    }
    // A blank anywhere but at its ends: not git's.
    let inner = value.get(1..).unwrap_or_default();
    let is_foreign = memchr::memchr(b' ', inner).is_some_and(|blank| blank + 1 < inner.len());
    (!is_foreign).then_some(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_are_converted_where_git_would() {
        let crlf =
            |text: &str| Eol::Crlf.convert(text.as_bytes()).map(|text| String::from_utf8(text).unwrap());
        let auto =
            |text: &str| Eol::AutoCrlf.convert(text.as_bytes()).map(|text| String::from_utf8(text).unwrap());
        assert_eq!(crlf("a\nb\r\n").as_deref(), Some("a\r\nb\r\n"));
        assert_eq!(auto("a\nb\n").as_deref(), Some("a\r\nb\r\n"));
        for text in ["a\nb\r\n", "a\rb\n", "a\0b\n", "\x01\n", "a", ""] {
            assert_eq!(auto(text), None, "{text:?}");
        }
        assert_eq!(crlf("a\0b\n").as_deref(), Some("a\0b\r\n"));
        assert_eq!(Eol::AsStored.convert(b"a\n"), None);
    }

    #[test]
    fn ids_are_those_of_git_and_others_are_left() {
        let id = BlobId::from_bytes([0xab; 20]);
        let with = |text: &str| with_id(text.as_bytes(), id).map(|text| String::from_utf8(text).unwrap());
        let whole = format!("$Id: {id} $");
        assert_eq!(with("x $Id$ y").unwrap(), format!("x {whole} y"));
        assert_eq!(with("$Id: 12 $").unwrap(), whole);
        assert_eq!(with("$Id: a.c,v 1.2 ada $"), None);
        assert_eq!(with("$Id: a\n $ $Id$").unwrap(), format!("$Id: a\n $ {whole}"));
        assert_eq!(with("$Idx$ $Id:"), None);
    }
}
