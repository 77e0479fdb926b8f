//! How far an exception's message goes: no further than the exception's own text.
//!
//! A message of several lines and the line of another writer look alike. So a further line belongs to it only
//! when something speaks for that: the message is still open (brackets, a colon at its end), the line is
//! indented, or it is one of the few forms in which libraries go on. The stream's next record ends it in any case.

use std::sync::LazyLock;

use regex::Regex;

/// Lines of one message that are read.
const MOST_LINES: usize = 60;
/// Bytes of a message in which open brackets are counted.
const MOST_COUNTED: usize = 8 << 10;

static GOES_ON: LazyLock<Regex> = LazyLock::new(|| {
    let libraries = r"\[(?:SQL|parameters|cached since|generated)\b|\(Background on this error|(?:LINE \d+|HINT|DETAIL|CONTEXT|QUERY|CAUSE|NOTE|Hint|hint): ";
    Regex::new(&format!(r"^(?:{libraries}|[-*•] |[│║╔╚╭╰┌└|]|[\])}}]|\^+$)")).expect("a valid pattern")
});
/// Frames of other languages, what their runtimes add below a message, and bars of progress.
static FOREIGN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^\s+(?:at [\w.$<>/\[\] -]+(?:\(|:\d)|at async |\.\.\. \d+ (?:more|common frames)|SQLSTATE: |in [\w.]+\(|from \S+:\d+:in |\d{1,3}%\|)")
        .expect("a valid pattern")
});
static OPEN_ENDED: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^\d+ validation errors? for ").expect("a valid pattern"));

/// A message whose lines are still coming.
#[derive(Debug, Default)]
pub(super) struct Message {
    lines: usize,
    counted: usize,
    depth: i32,
    open_ended: bool,
    /// The line before ends so that something must follow.
    expects: bool,
}

impl Message {
    /// The message that begins with an exception's line.
    pub(super) fn new(line: &str) -> Self {
        let text = line.split_once(": ").map_or("", |(_, text)| text);
        let mut message = Self { open_ended: OPEN_ENDED.is_match(text), ..Self::default() };
        message.add(line);
        message
    }

    fn add(&mut self, line: &str) {
        self.lines += 1;
        let line = line.trim_end();
        if self.counted < MOST_COUNTED {
            self.counted += line.len();
            for c in line.bytes() {
                self.depth += match c {
                    b'(' | b'[' | b'{' => 1,
                    b')' | b']' | b'}' => -1,
                    _ => 0,
                };
            }
        }
        self.expects = line.ends_with([':', ',', '\\', '=', '(', '[', '{']);
    }

    /// Whether the exception's line ends so that what it tells of follows.
    pub(super) const fn expects(&self) -> bool {
        self.expects
    }

    /// Whether this line, which is not blank and begins no record, is the message's next one.
    pub(super) fn takes(&mut self, line: &str) -> bool {
        if self.lines >= MOST_LINES || FOREIGN.is_match(line) {
            return false;
        }
        let indented = line.starts_with([' ', '\t']);
        let belongs = indented || self.open_ended || self.expects || self.depth > 0 || GOES_ON.is_match(line);
        if belongs {
            self.add(line);
        }
        belongs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> usize {
        let mut lines = text.lines();
        let mut message = Message::new(lines.next().unwrap());
        1 + lines.take_while(|line| message.takes(line)).count()
    }

    #[test]
    fn what_belongs_to_a_message() {
        let whole = [
            "pydantic_core.ValidationError: 1 validation error for Order\nprice\n  Field required",
            "sqlalchemy.exc.OperationalError: (sqlite3.OperationalError) no such table: a\n[SQL: SELECT 1]\n(Background on this error at: x)",
            "RuntimeError: the command failed:\nno such file",
            "ValueError: {'a': 1,\n'b': 2}",
            "E: first\n  second",
        ];
        for text in whole {
            assert_eq!(lines(text), text.lines().count(), "{text}");
        }
        let one = [
            "ValueError: x\nGET /rate HTTP/1.1",
            "ValueError: x\n SQLSTATE: 38000",
            "ValueError: x\n\tat org.example.Runner.run(Runner.java:3)",
            "ValueError: x\n    at ChildProcess.exithandler (node:child_process:422:12)",
            "ValueError: x\nTask exception was never retrieved",
            "ValueError: x\nRequest Headers:",
            "ValueError: x\n  5%|##        | 1/20 [00:00<00:01, 9.9it/s]",
        ];
        for text in one {
            assert_eq!(lines(text), 1, "{text}");
        }
    }
}
