//! One spelling for numbers and strings that may be spelled in several ways.

use std::borrow::Cow;

/// `0XFF` is `0xff`, `.5` is `0.5`, `1.E+5` is `1.0e5`.
pub(super) fn number(text: &[u8]) -> Cow<'_, [u8]> {
    if text.iter().all(u8::is_ascii_digit) {
        return Cow::Borrowed(text);
    }
    let lower = text.to_ascii_lowercase();
    let based = lower.len() > 1 && lower[0] == b'0' && lower[1].is_ascii_alphabetic();
    if based {
        return Cow::Owned(lower);
    }
    let lower: Vec<u8> = lower.into_iter().filter(|&byte| byte != b'+').collect();
    if !lower.contains(&b'.') {
        return Cow::Owned(lower);
    }
    let mantissa = lower.iter().position(|byte| matches!(byte, b'e' | b'j')).unwrap_or(lower.len());
    let (digits, rest) = lower.split_at(mantissa);
    let before: &[u8] = if digits.starts_with(b".") { b"0" } else { b"" };
    let after: &[u8] = if digits.ends_with(b".") { b"0" } else { b"" };
    Cow::Owned([before, digits, after, rest].concat())
}

/// The letters before a string that mean something, in lower case and order.
pub(super) fn prefix(letters: &[u8]) -> Vec<u8> {
    let mut letters = letters.to_ascii_lowercase();
    letters.retain(|&letter| letter != b'u');
    letters.sort_unstable();
    letters
}

/// How many quotes begin a string.
pub(super) fn quote_length(text: &[u8]) -> usize {
    if text.starts_with(b"\"\"\"") || text.starts_with(b"'''") { 3 } else { 1 }
}

/// A piece of a string without the backslashes that only protect a quote (which quotes need one
/// depends on the style), and with escapes in the usual case. `prefix` as [`prefix`] gives it.
pub(super) fn content<'t>(text: &'t [u8], prefix: &[u8]) -> Cow<'t, [u8]> {
    if prefix.contains(&b'r') || memchr::memchr(b'\\', text).is_none() {
        return Cow::Borrowed(text);
    }
    let bytes = prefix.contains(&b'b');
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        if byte != b'\\' {
            out.push(byte);
            at += 1;
            continue;
        }
        let rest = &text[at + 1..];
        let length = match rest.first() {
            Some(b'x') => 3,
            Some(b'u') if !bytes => 5,
            Some(b'U') if !bytes => 9,
            Some(b'N') if !bytes => rest.iter().position(|&byte| byte == b'}').map_or(1, |end| end + 1),
            _ => 1,
        };
        let escape = &rest[..length.min(rest.len())];
        match escape {
            [quote @ (b'"' | b'\'')] => out.push(*quote),
            [b'N', name @ ..] => {
                out.extend(b"\\N");
                out.extend(name.to_ascii_uppercase());
            }
            [kind, digits @ ..] => {
                out.extend([b'\\', *kind]);
                out.extend(digits.to_ascii_lowercase());
            }
            [] => out.push(b'\\'),
        }
        at += 1 + escape.len();
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_number_are_one() {
        for (text, usual) in
            [("0XfF", "0xff"), (".5", "0.5"), ("1.", "1.0"), ("1.E+5", "1.0e5"), ("3.J", "3.0j"), ("7", "7")]
        {
            assert_eq!(String::from_utf8_lossy(&number(text.as_bytes())), usual);
        }
    }

    #[test]
    fn escapes_that_mean_the_same_are_the_same() {
        assert_eq!(content(br"it\'s \xFF \N{dash}", b""), Cow::Borrowed(&br"it's \xff \N{DASH}"[..]));
        assert_eq!(content(br"\uAB \\'", b"b"), Cow::Borrowed(&br"\uAB \\'"[..]));
        assert_eq!(content(br"\'", b"r"), Cow::Borrowed(&br"\'"[..]));
        assert_eq!(content(b"x\\", b""), Cow::Borrowed(&b"x\\"[..]));
    }
}
