//! `working-tree-encoding`: git stores UTF-8 and writes another encoding.

use encoding_rs::Encoding;

/// UTF-8 in another encoding; `None` when the text is no UTF-8, the encoding is not known or lacks a character.
pub(super) fn encode(name: &str, text: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(text).ok()?;
    let label = name.to_ascii_lowercase();
    // git writes a file that begins with a mark of its own as it is.
    match label.replace('_', "-").as_str() {
        "utf-8" | "utf8" => Some(text.as_bytes().to_vec()),
        // As the C library has it: a mark, then what is usual on this kind of machine.
        "utf-16" | "utf16" | "utf-16le-bom" | "utf16le-bom" => Some(two("\u{feff}", text, u16::to_le_bytes)),
        "utf-16be-bom" | "utf16be-bom" => Some(two("\u{feff}", text, u16::to_be_bytes)),
        "utf-16le" | "utf16le" | "ucs-2le" => Some(two("", text, u16::to_le_bytes)),
        "utf-16be" | "utf16be" | "ucs-2be" => Some(two("", text, u16::to_be_bytes)),
        "utf-32" | "utf32" => Some(four("\u{feff}", text, u32::to_le_bytes)),
        "utf-32le" | "utf32le" | "ucs-4le" => Some(four("", text, u32::to_le_bytes)),
        "utf-32be" | "utf32be" | "ucs-4be" => Some(four("", text, u32::to_be_bytes)),
        // Elsewhere taken for windows-1252, which they are not.
        "iso-8859-1" | "iso8859-1" | "latin1" | "latin-1" | "l1" => within(text, 0x100),
        "us-ascii" | "ascii" => within(text, 0x80),
        _ => {
            let known = Encoding::for_label(label.as_bytes())
                .or_else(|| Encoding::for_label(label.replace("cp", "windows-").as_bytes()))
                .filter(|known| known.output_encoding() == *known)?;
            let (bytes, _, has_gaps) = known.encode(text);
            (!has_gaps).then(|| bytes.into_owned())
        }
    }
}

fn two(mark: &str, text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    mark.encode_utf16().chain(text.encode_utf16()).flat_map(bytes).collect()
}

fn four(mark: &str, text: &str, bytes: fn(u32) -> [u8; 4]) -> Vec<u8> {
    mark.chars().chain(text.chars()).flat_map(|letter| bytes(letter.into())).collect()
}

/// One byte a character, where all are below a limit.
fn within(text: &str, limit: u32) -> Option<Vec<u8>> {
    text.chars()
        .map(|letter| u8::try_from(u32::from(letter)).ok().filter(|_| u32::from(letter) < limit))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_written_in_the_named_encoding() {
        assert_eq!(encode("UTF-16", "a".as_bytes()).unwrap(), b"\xff\xfea\0");
        assert_eq!(encode("utf-16le-bom", "a".as_bytes()).unwrap(), b"\xff\xfea\0");
        assert_eq!(encode("UTF-16BE", "a".as_bytes()).unwrap(), b"\0a");
        assert_eq!(encode("UTF-32LE", "a".as_bytes()).unwrap(), b"a\0\0\0");
        assert_eq!(encode("ISO-8859-1", "é".as_bytes()).unwrap(), b"\xe9");
        assert_eq!(encode("latin1", "€".as_bytes()), None);
        assert_eq!(encode("CP1252", "€".as_bytes()).unwrap(), b"\x80");
        assert_eq!(encode("SHIFT-JIS", "あ".as_bytes()).unwrap(), b"\x82\xa0");
        assert_eq!(encode("KOI8-R", "€".as_bytes()), None);
        assert_eq!(encode("no-such", b"a"), None);
        assert_eq!(encode("UTF-16", b"\xff"), None);
    }
}
