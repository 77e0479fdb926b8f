//! What the protocol names a content by: its SHA-256 and its size.

use prost::Message;
use ring::digest::{SHA256, digest};

use super::api::Digest;

/// A content's name, in a form that is cheap to compare and to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct ContentId {
    pub(super) hash: [u8; 32],
    pub(super) size: i64,
}

impl ContentId {
    pub(super) fn of(bytes: &[u8]) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
        Self { hash, size: i64::try_from(bytes.len()).unwrap_or(i64::MAX) }
    }

    /// As the protocol writes it.
    pub(super) fn to_proto(self) -> Digest {
        Digest { hash: self.hex(), size_bytes: self.size }
    }

    /// Read what a server names; `None` when it is no SHA-256.
    pub(super) fn of_proto(digest: &Digest) -> Option<Self> {
        Self::parse(&digest.hash, digest.size_bytes)
    }

    /// Read hexadecimal digits.
    pub(super) fn parse(hex: &str, size: i64) -> Option<Self> {
        if hex.len() != 64 || !hex.is_ascii() {
            return None;
        }
        let mut hash = [0; 32];
        for (byte, digits) in hash.iter_mut().zip(hex.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        }
        Some(Self { hash, size })
    }

    pub(super) fn hex(self) -> String {
        use std::fmt::Write as _;
        self.hash.iter().fold(String::with_capacity(64), |mut text, byte| {
            // Writing to a string does not fail.
            let _written = write!(text, "{byte:02x}");
            text
        })
    }

    pub(super) fn bytes(self) -> u64 {
        u64::try_from(self.size).unwrap_or_default()
    }
}

/// A message as bytes, and what they are named by.
pub(super) fn encoded(message: &impl Message) -> (ContentId, Vec<u8>) {
    let bytes = message.encode_to_vec();
    (ContentId::of(&bytes), bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_is_written() {
        let id = ContentId::of(b"abc");
        assert_eq!(id.hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(ContentId::of_proto(&id.to_proto()), Some(id));
        for wrong in ["", "xyz", &"é".repeat(32), &"g".repeat(64)] {
            assert_eq!(ContentId::parse(wrong, 3), None, "{wrong}");
        }
    }
}
