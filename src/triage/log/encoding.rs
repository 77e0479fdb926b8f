//! Sources that are not UTF-8, as their first bytes tell: what PowerShell's `>` writes is UTF-16.

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

#[cfg(test)]
mod tests {
    use super::*;

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
