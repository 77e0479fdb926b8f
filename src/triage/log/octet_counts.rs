//! Records whose lengths stand before them: syslog over TCP (RFC 6587), as rsyslog and syslog-ng hand it on. They need not
//! end their lines.

/// Digits of a length at most.
const MOST_DIGITS: usize = 7;

/// Turns counted records into lines, piece by piece.
#[derive(Debug, Default)]
pub(super) struct OctetCounts {
    /// Bytes of the record at hand that have not come.
    left: usize,
    /// The beginning of a record's length.
    digits: Vec<u8>,
    /// What followed was no length: all else is as it came.
    over: bool,
}

impl OctetCounts {
    /// The decoder for a source that begins with a length and a record's priority.
    pub(super) fn of(beginning: &[u8]) -> Option<Self> {
        let digits = beginning.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let rest = beginning.get(digits..)?.strip_prefix(b" <")?;
        let priority = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let is_record = (1..=3).contains(&priority) && rest.get(priority) == Some(&b'>');
        let is_length = (1..=MOST_DIGITS).contains(&digits) && beginning[0] != b'0';
        (is_record && is_length).then(Self::default)
    }

    /// More bytes of the source, each record on lines of its own.
    pub(super) fn decode(&mut self, mut bytes: &[u8], text: &mut Vec<u8>) {
        while !bytes.is_empty() {
            if self.over {
                text.extend_from_slice(bytes);
                return;
            }
            if self.left > 0 {
                let (record, rest) = bytes.split_at(self.left.min(bytes.len()));
                text.extend_from_slice(record);
                self.left -= record.len();
                bytes = rest;
                if self.left == 0 && text.last() != Some(&b'\n') {
                    text.push(b'\n');
                }
                continue;
            }
            let (byte, rest) = (bytes[0], &bytes[1..]);
            bytes = rest;
            match byte {
                b'0'..=b'9' if self.digits.len() < MOST_DIGITS => self.digits.push(byte),
                b'\n' if self.digits.is_empty() => {}
                b' ' if !self.digits.is_empty() => {
                    let length = std::str::from_utf8(&self.digits).ok().and_then(|text| text.parse().ok());
                    self.left = length.unwrap_or(0);
                    self.digits.clear();
                }
                _ => {
                    text.append(&mut self.digits);
                    text.push(byte);
                    self.over = true;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pieces: &[&[u8]]) -> String {
        let mut counts = OctetCounts::of(pieces.concat().as_slice()).unwrap();
        let mut text = Vec::new();
        for piece in pieces {
            counts.decode(piece, &mut text);
        }
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn each_record_has_lines_of_its_own() {
        assert_eq!(lines(&[b"7 <11>one8 <11>a\nb\n7 <11>two"]), "<11>one\n<11>a\nb\n<11>two\n");
        assert_eq!(lines(&[b"7 <11>o", b"ne1", b"1 <11>another"]), "<11>one\n<11>another\n");
        assert_eq!(lines(&[b"7 <11>one\n7 <11>two\n"]), "<11>one\n<11>two\n");
        assert_eq!(lines(&[b"7 <11>one12x <11>two"]), "<11>one\n12x <11>two");
        for text in [&b"<11>one"[..], b"12 monkeys", b"0 <11>one", b"123456789 <1>x", b"7 <1111>x", b""] {
            assert!(OctetCounts::of(text).is_none(), "{text:?}");
        }
    }
}
