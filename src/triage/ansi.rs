//! Terminal control sequences in captured output.

use std::borrow::Cow;

/// The text without colour codes and other escape sequences (CSI, OSC and the other control strings of ECMA-48),
/// and without the carriage returns that Windows and progress bars leave before a line's end. A control string
/// ends with its line at the latest: some are cut.
#[must_use]
pub fn strip(text: &str) -> Cow<'_, str> {
    if !text.contains(['\x1b', '\r']) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\x1b' => match chars.peek() {
                Some('[') => {
                    chars.next();
                    while chars.next().is_some_and(|part| !('\x40'..='\x7e').contains(&part)) {}
                }
                Some(']' | '_' | 'P' | '^' | 'X') => {
                    while let Some(part) = chars.next_if(|part| *part != '\n') {
                        if matches!(part, '\x07' | '\\') {
                            break;
                        }
                    }
                }
                _ => {
                    chars.next();
                }
            },
            '\r' if matches!(chars.peek(), Some('\n') | None) => {}
            _ => out.push(c),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_and_titles_go_and_text_stays() {
        assert_eq!(strip("\x1b[31m\x1b[1mFAILED\x1b[0m a.py\r\n"), "FAILED a.py\n");
        assert_eq!(strip("\x1b]0;title\x07plain"), "plain");
        // Buildkite's times.
        assert_eq!(strip("\x1b_bk;t=1795860000123\x07plain"), "plain");
        assert_eq!(strip("\x1b]0;cut\nplain"), "\nplain");
        assert!(matches!(strip("plain"), Cow::Borrowed("plain")));
        assert_eq!(strip("cut \x1b["), "cut ");
    }
}
