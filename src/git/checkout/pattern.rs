//! Patterns of gitattributes(5): those of gitignore(5), but for those that take something back.
//!
//! They are matched by regular expressions, which take no longer for a pattern that is made to be slow.

use regex::bytes::{Regex, RegexBuilder};

/// A larger expression is one that somebody made to fill the memory.
const MOST_BYTES: usize = 1 << 20;

/// A pattern, read from the folder of the file that it stands in.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    kind: Kind,
    /// Of the file's name alone, not of its path.
    is_name: bool,
}

#[derive(Debug, Clone)]
enum Kind {
    Whole(Vec<u8>),
    /// `*.txt`
    Ending(Vec<u8>),
    Other(Regex),
}

impl Pattern {
    /// Read a pattern; `None` for one that fits no file.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        // One that ends so is for folders, and attributes are not those of folders.
        if text.is_empty() || text.ends_with(b"/") {
            return None;
        }
        let is_name = !text.contains(&b'/');
        let text = text.strip_prefix(b"/").unwrap_or(text);
        let is_special = |byte: &u8| b"*?[\\".contains(byte);
        let kind = if !text.iter().any(is_special) {
            Kind::Whole(text.to_vec())
        } else if is_name && text.starts_with(b"*") && !text[1..].iter().any(is_special) {
            Kind::Ending(text[1..].to_vec())
        } else {
            let expression = expression(text, is_name)?;
            let mut built = RegexBuilder::new(&expression);
            Kind::Other(built.unicode(false).dot_matches_new_line(true).size_limit(MOST_BYTES).build().ok()?)
        };
        Some(Self { kind, is_name })
    }

    /// Whether it fits a path, relative to the pattern's folder.
    pub(super) fn fits(&self, path: &[u8]) -> bool {
        let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or(path);
        let text = if self.is_name { name } else { path };
        match &self.kind {
            Kind::Whole(whole) => text == whole,
            Kind::Ending(ending) => text.ends_with(ending),
            Kind::Other(expression) => expression.is_match(text),
        }
    }
}

/// The pattern as a regular expression; `None` when it fits nothing, as git has it.
fn expression(pattern: &[u8], is_name: bool) -> Option<String> {
    let mut text = String::from(r"\A");
    let mut rest = pattern;
    let mut at_start = true;
    while let Some((&first, after)) = rest.split_first() {
        let was_at_start = std::mem::replace(&mut at_start, first == b'/');
        rest = after;
        match first {
            b'*' => {
                let stars = 1 + rest.iter().take_while(|&&byte| byte == b'*').count();
                rest = &rest[stars - 1..];
                if is_name {
                    text.push_str(".*");
                } else if stars == 2 && was_at_start && rest.starts_with(b"/") {
                    rest = &rest[1..];
                    at_start = true;
                    text.push_str("(?:.*/)?");
                } else if stars == 2 && was_at_start && rest.is_empty() {
                    text.push_str(".*");
                } else {
                    text.push_str("[^/]*");
                }
            }
            b'?' => text.push_str(if is_name { "." } else { "[^/]" }),
            b'[' => rest = class(rest, is_name, &mut text)?,
            b'\\' => {
                let (&escaped, after) = rest.split_first()?;
                rest = after;
                literal(escaped, &mut text);
            }
            byte => literal(byte, &mut text),
        }
    }
    Some(text + r"\z")
}

fn literal(byte: u8, text: &mut String) {
    text.extend([r"\x", &format!("{byte:02x}")]);
}

/// A class of characters, behind its `[`. What comes after it.
fn class<'p>(pattern: &'p [u8], is_name: bool, text: &mut String) -> Option<&'p [u8]> {
    let mut rest = pattern;
    let is_not = matches!(rest.first(), Some(b'!' | b'^'));
    if is_not {
        rest = &rest[1..];
    }
    let mut inside = String::new();
    let mut is_first = true;
    loop {
        let (&first, after) = rest.split_first()?;
        if first == b']' && !is_first {
            rest = after;
            break;
        }
        is_first = false;
        if first == b'[' && after.starts_with(b":") {
            let end = after.windows(2).position(|two| two == b":]")?;
            let name = std::str::from_utf8(&after[1..end]).ok()?;
            const NAMES: [&str; 12] = [
                "alnum", "alpha", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space",
                "upper", "xdigit",
            ];
            NAMES.contains(&name).then_some(())?;
            inside.extend(["[:", name, ":]"]);
            rest = &after[end + 2..];
            continue;
        }
        let (low, after) = member(rest)?;
        rest = after;
        if rest.starts_with(b"-") && rest.get(1).is_some_and(|&byte| byte != b']') {
            let (high, after) = member(&rest[1..])?;
            rest = after;
            if low <= high {
                literal(low, &mut inside);
                inside.push('-');
                literal(high, &mut inside);
            }
        } else {
            literal(low, &mut inside);
        }
    }
    let slash = if is_name { "" } else { "&&[^/]" };
    let not = if is_not { "^" } else { "" };
    if inside.is_empty() {
        return None;
    }
    text.extend(["[[", not, &inside, "]", slash, "]"]);
    Some(rest)
}

fn member(rest: &[u8]) -> Option<(u8, &[u8])> {
    match rest.split_first()? {
        (b'\\', after) => after.split_first().map(|(&byte, after)| (byte, after)),
        (&byte, after) => Some((byte, after)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(pattern: &str, path: &str) -> bool {
        Pattern::parse(pattern.as_bytes()).is_some_and(|pattern| pattern.fits(path.as_bytes()))
    }

    #[test]
    fn patterns_fit_what_gits_fit() {
        for (pattern, path) in [
            ("*.txt", "a/b.txt"),
            ("a.txt", "x/a.txt"),
            ("/a.txt", "a.txt"),
            ("x/*.txt", "x/a.txt"),
            ("**/a", "a"),
            ("**/a", "x/y/a"),
            ("a/**", "a/b/c"),
            ("a/**/b", "a/b"),
            ("a/**/b", "a/x/y/b"),
            ("a?c", "abc"),
            ("[a-c]x", "bx"),
            ("[!a-c]x", "dx"),
            ("[^a]x", "dx"),
            ("[]a]x", "]x"),
            ("[[:digit:]]*", "1a"),
            (r"\*a", "*a"),
            ("{a,b}", "{a,b}"),
            ("a b", "a b"),
            ("*", ".x"),
        ] {
            assert!(fits(pattern, path), "{pattern} {path}");
        }
        for (pattern, path) in [
            ("/a.txt", "x/a.txt"),
            ("x/*.txt", "x/y/a.txt"),
            ("a/", "a"),
            ("a**b/c", "a/b/c"),
            ("a/*", "a/b/c"),
            ("[a", "[a"),
            ("{a,b}", "a"),
            ("x/[!a]y", "x//y"),
            ("", "a"),
        ] {
            assert!(!fits(pattern, path), "{pattern} {path}");
        }
    }

    #[test]
    fn a_pattern_that_is_made_to_be_slow_is_not() {
        let slow = "*a".repeat(400) + "*b";
        let path = "a".repeat(4000);
        assert!(!fits(&slow, &path));
    }
}
