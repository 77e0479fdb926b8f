//! What stands between a program's line and its text: carriage returns, no-break spaces, XML and HTML.

use std::borrow::Cow;
use std::sync::LazyLock;

use memchr::memmem::Finder;

static NO_BREAK: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new(b"\xc2\xa0"));

static OCTAL: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new(b"#012  File \""));

/// The lines of a record that syslog wrote into one: `#012` for their ends.
pub(super) fn of_octal(line: &[u8]) -> Option<String> {
    OCTAL.find(line)?;
    let line = String::from_utf8_lossy(line);
    Some(line.replace("#012", "\n").replace("#011", "\t"))
}

/// The line with plain blanks for no-break spaces.
pub(super) fn plain_blanks(line: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    if NO_BREAK.find(&line).is_none() {
        return line;
    }
    let mut out = Vec::with_capacity(line.len());
    let mut at = 0;
    for found in memchr::memmem::find_iter(&line, b"\xc2\xa0") {
        out.extend_from_slice(&line[at..found]);
        out.push(b' ');
        at = found + 2;
    }
    out.extend_from_slice(&line[at..]);
    Cow::Owned(out)
}

/// Whether the line looks like a piece of XML or HTML that holds a traceback's text.
pub(super) fn has_entities(line: &[u8]) -> bool {
    memchr::memchr(b'&', line).is_some()
        && [&b"&quot;"[..], b"&#", b"&lt;", b"&gt;", b"&amp;"]
            .iter()
            .any(|entity| memchr::memmem::find(line, entity).is_some())
}

/// Whether a tag stands before the text that begins at this column.
pub(super) fn before(line: &[u8], column: usize) -> bool {
    let before = line[..column.min(line.len())].trim_ascii();
    before.ends_with(b"<![CDATA[") || before.ends_with(b">") && memchr::memchr(b'<', before).is_some()
}

/// The text of a piece of XML or HTML: tags removed, entities replaced. It may be several lines.
pub(super) fn text(line: &[u8]) -> String {
    let line = String::from_utf8_lossy(line);
    let mut out = String::with_capacity(line.len());
    let mut rest = line.as_ref();
    while let Some(at) = rest.find(['&', '<']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if rest.starts_with('<') {
            let tag = rest.find('>').filter(|end| is_tag(&rest[1..*end]));
            let Some(end) = tag else {
                out.push('<');
                rest = &rest[1..];
                continue;
            };
            let name = rest[1..end].trim_start_matches('/').trim_end_matches('/').trim();
            // What an element's attributes hold is told in its text again, or is none of ours.
            if matches!(name, "br" | "p" | "div" | "li" | "tr" | "pre") {
                out.push('\n');
            }
            rest = &rest[end + 1..];
            continue;
        }
        match entity(rest) {
            Some((c, length)) => {
                out.push(c);
                rest = &rest[length..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

fn is_tag(inner: &str) -> bool {
    let name = inner.trim_start_matches(['/', '!', '?']);
    name.starts_with(|c: char| c.is_ascii_alphabetic()) && !name.starts_with("module>") && inner.len() < 400
}

/// The character of an entity, and the entity's length.
fn entity(text: &str) -> Option<(char, usize)> {
    let end = text.bytes().take(12).position(|byte| byte == b';')?;
    let name = &text[1..end];
    let c = match name {
        "quot" => '"',
        "apos" => '\'',
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "nbsp" => ' ',
        _ => {
            let digits = name.strip_prefix('#')?;
            let number = match digits.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => digits.parse().ok()?,
            };
            char::from_u32(number)?
        }
    };
    Some((if c == '\u{a0}' { ' ' } else { c }, end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_go_and_entities_become_text() {
        let line = b"<failure type=\"x\">File &quot;/srv/a.py&quot;, line 3, in &lt;module&gt;</failure>";
        assert_eq!(text(line), "File \"/srv/a.py\", line 3, in <module>");
        assert_eq!(text(b"a &#10;b&#x27;c &unknown; d < e"), "a \nb'c &unknown; d < e");
        assert_eq!(of_octal(b"x:#012  File \"a\"#012#011y").as_deref(), Some("x:\n  File \"a\"\n\ty"));
        assert_eq!(&*plain_blanks(Cow::Borrowed("\u{a0}\u{a0}File".as_bytes())), b"  File");
    }
}
