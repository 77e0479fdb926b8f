//! Foreign strings in our output: one function for each form of output.
//!
//! File names, subjects, authors, messages of failures, ids of tests and lines of logs are written by others. None of
//! them may end a line of ours, move the cursor, or be taken for a command by what reads the output.

use std::borrow::Cow;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Keys of reports and events whose texts are of one line: names of things.
const ONE_LINE: [&str; 22] = [
    "author",
    "base",
    "callee",
    "callee_after",
    "callee_before",
    "command",
    "constraint",
    "file",
    "function",
    "id",
    "merged",
    "name",
    "old_path",
    "path",
    "python",
    "related",
    "repository",
    "source",
    "subject",
    "summary",
    "test",
    "tests",
];

/// A report or event as it may be shown: every text in it is [`one_line`] where it names something, else [`lines`]. What
/// is written for programs is not made of this: there, each format has an escape of its own.
#[must_use]
pub fn cleaned<T: Serialize + DeserializeOwned + Clone>(told: &T) -> T {
    fn clean(value: &mut Value, is_one_line: bool) {
        match value {
            Value::String(text) => {
                let safe = if is_one_line { one_line(text) } else { lines(text) };
                if let Cow::Owned(safe) = safe {
                    *text = safe;
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| clean(item, is_one_line)),
            Value::Object(map) => {
                map.iter_mut().for_each(|(key, value)| clean(value, ONE_LINE.contains(&key.as_str())));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    let value = serde_json::to_value(told).map(|mut value| {
        clean(&mut value, false);
        value
    });
    value.and_then(serde_json::from_value).unwrap_or_else(|_| told.clone())
}

/// All that is shown at once, before it is written: whatever came through is stopped here. Our own colours stay.
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains('\u{1b}') {
        return lines(text);
    }
    let mut safe = String::with_capacity(text.len());
    for (number, line) in text.split('\n').enumerate() {
        if number > 0 {
            safe.push('\n');
        }
        if is_command(&without_colours(line)) {
            safe.push(NO_WIDTH);
        }
        let mut rest = line;
        while let Some(at) = rest.find('\u{1b}') {
            let colour = colour_at(&rest[at..]);
            rest[..at].chars().for_each(|c| push_in_line(&mut safe, c));
            safe.push_str(if colour > 0 { &rest[at..at + colour] } else { "\\x1b" });
            rest = &rest[at + colour.max(1)..];
        }
        rest.chars().for_each(|c| push_in_line(&mut safe, c));
    }
    Cow::Owned(safe)
}

/// The length of an escape at the beginning that only colours; 0 of any other.
fn colour_at(text: &str) -> usize {
    let Some(rest) = text.strip_prefix("\u{1b}[") else { return 0 };
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != ';').unwrap_or(rest.len());
    if rest[end..].starts_with('m') { "\u{1b}[".len() + end + 1 } else { 0 }
}

/// A line without what only colours it.
pub(super) fn without_colours(line: &str) -> String {
    let mut plain = String::new();
    let mut rest = line;
    while let Some(at) = rest.find('\u{1b}') {
        plain.push_str(&rest[..at]);
        rest = &rest[at + colour_at(&rest[at..]).max(1)..];
    }
    plain + rest
}

fn push_in_line(safe: &mut String, c: char) {
    if c == '\t' { safe.push(c) } else { push_safe(safe, c) }
}

/// Whether what reads the output of a build takes a line for a command.
fn is_command(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("::")
        || line.starts_with("##[")
        || line.starts_with("##vso[")
        || line.starts_with("##teamcity[")
}

/// A foreign text on one line of plain text: line breaks and other control characters as `\n`, `\x1b`.
#[must_use]
pub fn one_line(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    text.chars().for_each(|c| push_safe(&mut safe, c));
    Cow::Owned(safe)
}

/// A foreign text of several lines, as plain text: its line breaks and tabs stay, and no line of it is a command for a
/// build server: one that begins with `::` or `##` gets a space of no width in front.
#[must_use]
pub fn lines(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| is_unsafe(c) && c != '\n' && c != '\t') && !text.split('\n').any(is_command) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for (number, line) in text.split('\n').enumerate() {
        if number > 0 {
            safe.push('\n');
        }
        // Of a line break of Windows, the rest.
        let line = line.strip_suffix('\r').unwrap_or(line);
        if is_command(line) {
            safe.push(NO_WIDTH);
        }
        line.chars().for_each(|c| push_in_line(&mut safe, c));
    }
    Cow::Owned(safe)
}

/// A foreign text in a line of Markdown: [`one_line`], and nothing of it is markup, a link, a mention, or HTML.
#[must_use]
pub(super) fn markdown(text: &str) -> String {
    let line = one_line(text);
    let mut safe = String::with_capacity(line.len() + 8);
    let mut before = ' ';
    for c in line.chars() {
        match c {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '|' | '~' | '!' | '$' => {
                safe.push('\\');
                safe.push(c);
            }
            // A mention, an address; an issue, a heading.
            '@' | '#' => {
                safe.push(c);
                safe.push(NO_WIDTH);
            }
            // What is linked without being marked: `https://`, `www.`.
            ':' | '.' if before.is_alphanumeric() => {
                safe.push(c);
                let told = safe.to_ascii_lowercase();
                if ["http:", "https:", "ftp:", "www.", "mailto:"].iter().any(|start| told.ends_with(start)) {
                    safe.push(NO_WIDTH);
                }
            }
            _ => safe.push(c),
        }
        before = c;
    }
    safe
}

/// A foreign text as code in a line of Markdown.
#[must_use]
pub(super) fn markdown_code(text: &str) -> String {
    let line = one_line(text);
    let longest = line.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    // A blank keeps a back tick at either end from the fence; it is not shown.
    let pad = if line.starts_with('`') || line.ends_with('`') || line.is_empty() { " " } else { "" };
    format!("{fence}{pad}{line}{pad}{fence}")
}

/// The same in a cell of a table, where a bar ends the cell also in code.
#[must_use]
pub(super) fn markdown_code_cell(text: &str) -> String {
    markdown_code(text).replace('|', "\\|")
}

/// A text of a tool, in which names stand between backquotes: those as code, the rest as [`markdown`].
#[must_use]
pub(super) fn markdown_prose(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len().is_multiple_of(2) || text.contains("``") {
        return markdown(text);
    }
    let part =
        |(number, part): (usize, &&str)| if number % 2 == 0 { markdown(part) } else { markdown_code(part) };
    parts.iter().enumerate().map(part).collect()
}

/// A foreign text in the value of a workflow command: what is not percent-encoded there is made visible, as GitHub's log
/// shows it as it is.
#[must_use]
pub(super) fn workflow_command(text: &str) -> String {
    let shown: String = text
        .split('\n')
        .map(|line| {
            let mut safe = String::new();
            line.strip_suffix('\r').unwrap_or(line).chars().for_each(|c| push_in_line(&mut safe, c));
            safe.replace('%', "%25")
        })
        .collect::<Vec<_>>()
        .join("%0A");
    shown
}

/// The fence of a block of code that this text does not end.
#[must_use]
pub(super) fn markdown_fence(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    "`".repeat(longest.max(2) + 1)
}

/// Takes no room, and ends what a reader would take for a word.
const NO_WIDTH: char = '\u{200b}';

/// What moves the cursor or changes what is read: control characters, line and paragraph breaks of Unicode, and what
/// turns the direction of writing.
fn is_unsafe(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn push_safe(safe: &mut String, c: char) {
    match c {
        '\n' => safe.push_str("\\n"),
        '\r' => safe.push_str("\\r"),
        '\t' => safe.push_str("\\t"),
        _ if is_unsafe(c) && u32::from(c) < 0x100 => safe.extend(["\\x", &format!("{:02x}", u32::from(c))]),
        _ if is_unsafe(c) => safe.extend(["\\u{", &format!("{:x}", u32::from(c)), "}"]),
        _ => safe.push(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_one() {
        assert_eq!(one_line("plain ä"), "plain ä");
        assert_eq!(
            one_line("x\n::error::\ry\t\u{1b}[2J\u{9b}\u{202e}"),
            "x\\n::error::\\ry\\t\\x1b[2J\\x9b\\u{202e}"
        );
    }

    #[test]
    fn lines_stay_lines_and_are_no_commands() {
        assert_eq!(lines("a\n\tb\n"), "a\n\tb\n");
        assert_eq!(
            lines("a\r\n  ::error::x\n##[group]\n\u{1b}[1m"),
            "a\n\u{200b}  ::error::x\n\u{200b}##[group]\n\\x1b[1m"
        );
    }

    #[test]
    fn what_is_printed_keeps_our_colours_only() {
        assert_eq!(printable("\u{1b}[1mx\u{1b}[0m\n"), "\u{1b}[1mx\u{1b}[0m\n");
        assert_eq!(
            printable("\u{1b}[31m::error::\u{1b}]0;x\u{7}\u{1b}[2J"),
            "\u{200b}\u{1b}[31m::error::\\x1b]0;x\\x07\\x1b[2J"
        );
    }

    #[test]
    fn a_workflow_command_is_one_line_and_moves_no_cursor() {
        assert_eq!(workflow_command("50 %\r\n::error::\u{1b}[2J"), "50 %25%0A::error::\\x1b[2J");
    }

    #[test]
    fn a_report_is_cleaned_by_what_its_texts_are() {
        #[derive(Serialize, serde::Deserialize, Clone, Debug, PartialEq)]
        struct Told {
            path: String,
            notes: Vec<String>,
        }
        let told = Told { path: "a\nb".to_owned(), notes: vec!["x\n::error::y".to_owned()] };
        let expected = Told { path: "a\\nb".to_owned(), notes: vec!["x\n\u{200b}::error::y".to_owned()] };
        assert_eq!(cleaned(&told), expected);
    }

    #[test]
    fn nothing_in_markdown_is_markup() {
        assert_eq!(markdown("a_b @ada [x](y) <b>|"), "a\\_b @\u{200b}ada \\[x\\](y) &lt;b&gt;\\|");
        assert_eq!(markdown("see https://x.y\n# z"), "see https:\u{200b}//x.y\\\\n#\u{200b} z");
        assert_eq!(markdown("app.py:3: v1.2"), "app.py:3: v1.2");
    }

    #[test]
    fn code_in_markdown_is_not_ended() {
        assert_eq!(markdown_code("a.b()"), "`a.b()`");
        assert_eq!(markdown_code("a`b``c"), "```a`b``c```");
        assert_eq!(markdown_code("`"), "`` ` ``");
        assert_eq!(markdown_code_cell("a|b\nc"), "`a\\|b\\nc`");
        assert_eq!(markdown_prose("no `x_y` of *z*"), "no `x_y` of \\*z\\*");
        assert_eq!(markdown_prose("a ` b_c"), "a \\` b\\_c");
        assert_eq!(markdown_fence("x\n````\n"), "`````");
    }
}
