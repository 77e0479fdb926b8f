//! Sources that are not plain UTF-8: what PowerShell's `>` writes is UTF-16, as its first bytes tell, and zero bytes end
//! records or fill holes in what is text otherwise.

/// Turns a source's bytes into UTF-8, piece by piece.
#[derive(Debug)]
pub(super) struct Utf16 {
    big: bool,
    /// A byte whose other half has not come.
    half: Option<u8>,
    /// The first half of a pair.
    high: Option<u16>,
}

impl Utf16 {
    /// The decoder for a source that begins so, and the length of its mark.
    pub(super) fn of(beginning: &[u8]) -> Option<(Self, usize)> {
        let big = match beginning {
            // Behind two zero bytes it would be UTF-32.
            [0xff, 0xfe, rest @ ..] if !rest.starts_with(&[0, 0]) => false,
            [0xfe, 0xff, ..] => true,
            _ => return None,
        };
        Some((Self { big, half: None, high: None }, 2))
    }

    /// More bytes of the source, as UTF-8.
    pub(super) fn decode(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut units: Vec<u16> = self.high.take().into_iter().collect();
        for &byte in bytes {
            match self.half.take() {
                None => self.half = Some(byte),
                Some(first) if self.big => units.push(u16::from_be_bytes([first, byte])),
                Some(first) => units.push(u16::from_le_bytes([first, byte])),
            }
        }
        if units.last().is_some_and(|unit| (0xd800..0xdc00).contains(unit)) {
            self.high = units.pop();
        }
        String::from_utf16_lossy(&units).into_bytes()
    }
}

/// Length of the mark that UTF-8 may begin with.
pub(super) fn mark_of_utf8(beginning: &[u8]) -> usize {
    if beginning.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 }
}

/// Zero bytes in text. They end a record: a datagram of `SysLogHandler`, a frame of GELF over TCP. A run of them is a hole,
/// which is left where a log was truncated while its program wrote on, or where the machine went down.
#[derive(Debug, Default)]
pub(super) struct ZeroBytes {
    /// What was read last is a zero byte.
    after: bool,
}

impl ZeroBytes {
    /// Adds bytes to the text: zero bytes between two records on one line end that line, all others go.
    pub(super) fn add(&mut self, bytes: &[u8], text: &mut Vec<u8>) {
        let mut rest = bytes;
        loop {
            if self.after {
                let Some(next) = rest.iter().position(|byte| *byte != 0) else { return };
                rest = &rest[next..];
                if !matches!(rest[0], b'\n' | b'\r') && text.last().is_some_and(|last| *last != b'\n') {
                    text.push(b'\n');
                }
                self.after = false;
            }
            let Some(zero) = memchr::memchr(0, rest) else {
                text.extend_from_slice(rest);
                return;
            };
            text.extend_from_slice(&rest[..zero]);
            rest = &rest[zero..];
            self.after = true;
        }
    }
}

/// Whether bytes are no text: many of them are what no text has. Zero bytes count where they stand among others, as in
/// programs and databases, not as the ends of records, nor as a hole.
pub(super) fn looks_binary(sample: &[u8]) -> bool {
    let is_odd = |byte: u8| {
        byte != 0 && byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x08 | 0x0c | 0x1b | 0x1e)
    };
    let told = sample.len() - memchr::memchr_iter(0, sample).count();
    let odd = sample.iter().filter(|byte| is_odd(**byte)).count();
    let is_end = |(zero, next): (u8, u8)| {
        zero == 0 && (next == 0 || matches!(next, b'\n' | b'\r' | b'{' | b'<' | b'['))
    };
    let pairs = || sample.iter().copied().zip(sample.iter().copied().skip(1));
    let zeros = pairs().filter(|(zero, _)| *zero == 0).count();
    let ends = pairs().filter(|pair| is_end(*pair)).count();
    let holes = pairs().filter(|(zero, next)| *zero == 0 && *next != 0).count();
    odd * 10 > told || zeros > ends && (odd * 50 > told || holes > 2 && holes * 8 > told)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn without_zeros(pieces: &[&[u8]]) -> String {
        let (mut zeros, mut text) = (ZeroBytes::default(), Vec::new());
        for piece in pieces {
            zeros.add(piece, &mut text);
        }
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn zero_bytes_end_records_and_fill_holes() {
        assert_eq!(without_zeros(&[b"{\"a\":1}\0{\"b\":2}\0"]), "{\"a\":1}\n{\"b\":2}");
        assert_eq!(without_zeros(&[b"<11>one\0\n<11>two\0", b"\n"]), "<11>one\n<11>two\n");
        assert_eq!(without_zeros(&[b"\0\0\0", b"\0whole\n\0\0", b"\0next\n"]), "whole\nnext\n");
        assert_eq!(without_zeros(&[b"cut", b"\0", b"\0", b"next\n"]), "cut\nnext\n");
    }

    #[test]
    fn text_with_zero_bytes_is_text() {
        for text in [
            b"<14>asked\0\n<11>cannot answer\0\n".to_vec(),
            b"{\"version\":\"1.1\"}\0{\"version\":\"1.1\"}\0{\"version\":\"1.1\"}\0{}\0".to_vec(),
            [vec![0; 5000], b"INFO sold mint\n".to_vec()].concat(),
            vec![0; 8000],
            b"".to_vec(),
        ] {
            assert!(!looks_binary(&text), "{text:?}");
        }
        for no_text in [
            b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0\x01\0\0\0\x90\x27\0\0\0\0\0\0".to_vec(),
            (0..=255).cycle().take(5000).collect(),
            "no mark of UTF-16".encode_utf16().flat_map(u16::to_le_bytes).collect(),
            b"SQLite format 3\0\x10\0\x01\x01\0\x40\x20\x20\0\0\0\x03\0\0\0\x02".to_vec(),
        ] {
            assert!(looks_binary(&no_text), "{no_text:?}");
        }
    }

    #[test]
    fn pieces_of_utf_16_are_joined() {
        for big in [false, true] {
            let units = "\u{feff}né 🙂\n".encode_utf16();
            let bytes: Vec<u8> =
                units.flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect();
            let (mut decoder, mark) = Utf16::of(&bytes).unwrap();
            let out: Vec<u8> = bytes[mark..].chunks(3).flat_map(|piece| decoder.decode(piece)).collect();
            assert_eq!(String::from_utf8(out).unwrap(), "né 🙂\n");
        }
        assert!(Utf16::of(b"plain").is_none());
        assert!(Utf16::of(b"\xff\xfe\0\0").is_none());
        assert_eq!(mark_of_utf8("\u{feff}x".as_bytes()), 3);
    }
}
