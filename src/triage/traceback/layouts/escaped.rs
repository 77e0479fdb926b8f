//! Tracebacks in one line, as a string of another language or record holds them: `\n` for line ends, quotes
//! escaped, once or several times; lists of such strings.

/// How far back the string's beginning is looked for, in characters.
const MOST_LEAD: usize = 4_000;
/// What TeamCity and IDEs are told, and of a failing test.
const SERVICE: &str = "##teamcity[";
const SERVICE_MESSAGE: &str = "##teamcity[testFailed ";
const HEADER: &str = "Traceback (most recent call last):";

/// The text of the traceback that stands in this line, its line ends as such.
pub(in crate::triage::traceback) fn text(line: &str) -> Option<String> {
    text_from(line, line.find(HEADER)?)
}

/// The test that failed, as a service message names it.
pub(in crate::triage::traceback) fn of_service_message(line: &str) -> Option<String> {
    if !line.starts_with(SERVICE_MESSAGE) {
        return None;
    }
    line.rsplit_once(" name='").map(|(_, name)| of_pipes(name))
}

/// A value of a service message up to its closing quote: `|n` for line ends, `|'` for quotes.
fn of_pipes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\'' => break,
            '|' => match chars.next() {
                Some('n') => out.push('\n'),
                Some('r') | None => {}
                Some('0') => {
                    let digits: String = chars.by_ref().skip(1).take(4).collect();
                    out.extend(u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32));
                }
                Some(other) => out.push(other),
            },
            _ => out.push(c),
        }
    }
    out
}

/// The text from `start` to the end of the string that it stands in, its line ends as such.
fn text_from(line: &str, start: usize) -> Option<String> {
    let behind = &line[start + HEADER.len()..];
    if behind.starts_with("|n") && line.starts_with(SERVICE) {
        return Some(of_pipes(&line[start..]));
    }
    let rest = behind.trim_start_matches('\\');
    let escapes = behind.len() - rest.len();
    let listed = ["',", "\",", "'\n", "\"\n"].iter().any(|end| rest.starts_with(end));
    if !(escapes > 0 && (rest.starts_with('n') || rest.starts_with('r'))) && !listed {
        return None;
    }
    let mut text = match enclosing(line, start) {
        Some(quote) => until(&line[start..], quote),
        None => line[start..].to_owned(),
    };
    for _ in 0..4 {
        if !text.contains("\\n") && !text.contains("\\\"") && !text.contains("\\'") {
            break;
        }
        text = unescape(&text);
    }
    text.contains('\n').then_some(text)
}

/// The quote that opens the string around this place, and how many backslashes stand before it: the last one
/// before which something introduces a string.
fn enclosing(line: &str, start: usize) -> Option<(char, usize)> {
    let before = &line[..start];
    let quotes = before.char_indices().rev().take(MOST_LEAD).filter(|(_, c)| matches!(c, '"' | '\''));
    quotes
        .map(|(at, quote)| {
            let lead = before[..at].trim_end_matches('\\');
            (lead, quote, at - lead.len())
        })
        .find(|(lead, ..)| {
            lead.chars().next_back().is_none_or(|c| matches!(c, '=' | ':' | ' ' | '(' | '[' | '{' | ','))
        })
        .map(|(_, quote, escapes)| (quote, escapes))
}

/// The string's content up to its closing quote; a list's strings are joined.
fn until(text: &str, (quote, escapes): (char, usize)) -> String {
    let (mut rest, mut quote) = (text, quote);
    let mut out = String::new();
    loop {
        let Some(end) = closing(rest, quote, escapes) else {
            out.push_str(rest);
            return out;
        };
        out.push_str(&rest[..end - escapes]);
        let behind = &rest[end + 1..];
        let next = behind.strip_prefix(',').map(|next| next.trim_start().trim_start_matches('\\'));
        let listed = next.and_then(|next| next.chars().next()).filter(|c| matches!(c, '"' | '\''));
        let (Some(next), Some(opening)) = (next, listed) else { return out };
        if !out.ends_with('n') || !out.trim_end_matches('n').ends_with('\\') {
            out.push('\n');
        }
        (rest, quote) = (&next[1..], opening);
    }
}

/// Where the quote stands that has as many backslashes before it as the opening one.
fn closing(text: &str, quote: char, escapes: usize) -> Option<usize> {
    let mut run = 0;
    for (at, c) in text.char_indices() {
        if c == '\\' {
            run += 1;
            continue;
        }
        if c == quote && (run == escapes || escapes == 0 && run % 2 == 0) {
            return Some(at);
        }
        run = 0;
    }
    None
}

fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') | None => {}
            Some(c @ ('\\' | '"' | '\'' | '/')) => out.push(c),
            Some('u') => {
                let digits: String = chars.by_ref().take(4).collect();
                out.extend(u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32));
            }
            Some('x') => {
                let digits: String = chars.by_ref().take(2).collect();
                out.extend(u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32));
            }
            Some(other) => out.extend(['\\', other]),
        }
    }
    out
}

/// The value of a string literal of Python or JSON at the text's beginning.
pub(in crate::triage) fn unquoted(text: &str) -> Option<String> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return Some(unescape(&text[1..at])),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::triage::traceback::parse;

    fn one(line: &str) -> (String, String, usize) {
        let read = parse(&text(line).unwrap()).pop().unwrap();
        (read.kind.unwrap_or_default(), read.message, read.frames.len())
    }

    /// teamcity-messages 1.33 over unittest.
    #[test]
    fn service_messages() {
        let line = "##teamcity[testFailed timestamp='2026-11-28T10:00:00.413' details='Traceback (most recent call last):|n  File \
                    \"/srv/a.py\", line 3, in f|n    g(|[x|])|nKeyError: |'mint|'|n' flowId='a.T.test_g' message='Error' name='a.T.test_g']";
        let read = parse(line).pop().unwrap();
        assert_eq!((read.kind.as_deref(), read.message.as_str()), (Some("KeyError"), "'mint'"));
        assert_eq!(read.frames[0].code.as_deref(), Some("g([x])"));
        assert_eq!(read.test.as_deref(), Some("a.T.test_g"));
    }

    #[test]
    fn strings_of_records() {
        let expected = ("KeyError".to_owned(), "'mint'".to_owned(), 1);
        let lines = [
            r#"event="no rate" exception="Traceback (most recent call last):\n  File \"/srv/a.py\", line 3, in f\n    g(\"x\")\nKeyError: 'mint'" level=error"#,
            r#"event='no rate' exception='Traceback (most recent call last):\n  File "/srv/a.py", line 3, in f\n    g("x")\nKeyError: \'mint\'' level='error'"#,
            r#"x ['Traceback (most recent call last):\n', '  File "/srv/a.py", line 3, in f\n', '    g("x")\n', "KeyError: 'mint'\n"] y"#,
            r#"{"a": "{\"b\": \"Traceback (most recent call last):\\n  File \\\"/srv/a.py\\\", line 3, in f\\nKeyError: 'mint'\"}"}"#,
            r#"Traceback (most recent call last):\n  File "/srv/a.py", line 3, in f\nKeyError: 'mint'"#,
        ];
        for line in lines {
            assert_eq!(one(line), expected, "{line}");
        }
    }
}
